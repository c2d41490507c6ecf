#include "csv/key_reader.hpp"

#include <algorithm>

#include "csv/record.hpp"

namespace deltadrop::csv {

KeyReader::KeyReader(const Header& header, const KeyRules& rules)
    : columns_(header.key),
      delimiter_(header.delimiter),
      pads_short_rows_(header.pads_short_rows),
      rules_(rules),
      forms_(header.key.size()) {
  last_column_ = *std::max_element(columns_.begin(), columns_.end());
}

std::string_view KeyReader::read(std::string_view record) {
  if (columns_.size() > 1) return read_composite(record);
  auto key = read_single(record);
  if (rules_.any()) {
    write_key_form(forms_.front(), key, rules_);
    key = forms_.front();
  }
  last_was_empty_ = key.empty();
  return key;
}

std::string_view KeyReader::read_single(std::string_view record) {
  FieldCursor cursor(record, delimiter_);
  RawField field;
  for (std::size_t i = 0; i <= last_column_; ++i) {
    if (!cursor.next(field) && pads_short_rows_) field = {};
  }
  if (!field.doubled) return field.inner;
  undoubled_.clear();
  append_undoubled(undoubled_, field.inner);
  return undoubled_;
}

std::string_view KeyReader::read_composite(std::string_view record) {
  raw_.clear();
  FieldCursor cursor(record, delimiter_);
  RawField field;
  while (raw_.size() <= last_column_ && cursor.next(field)) raw_.push_back(field);
  // A record may have become shorter if a program has written to the file since.
  raw_.resize(last_column_ + 1);
  parts_.clear();
  undoubled_.clear();
  undoubled_.reserve(record.size());
  last_was_empty_ = true;
  for (const auto column : columns_) {
    const RawField& part = raw_[column];
    if (!part.inner.empty()) last_was_empty_ = false;
    if (!part.doubled) {
      parts_.push_back(part.inner);
      continue;
    }
    const std::size_t from = undoubled_.size();
    append_undoubled(undoubled_, part.inner);
    parts_.emplace_back(undoubled_.data() + from, undoubled_.size() - from);
  }
  if (rules_.any()) {
    last_was_empty_ = true;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      write_key_form(forms_[i], parts_[i], rules_);
      parts_[i] = forms_[i];
      last_was_empty_ = last_was_empty_ && forms_[i].empty();
    }
  }
  record_.clear();
  append_record(record_, parts_);
  return record_;
}

}  // namespace deltadrop::csv
