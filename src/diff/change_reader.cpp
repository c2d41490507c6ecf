#include "diff/change_reader.hpp"

#include "core/assert.hpp"

namespace deltadrop::diff {

ChangeReader::ChangeReader(const csv::File* before, const csv::File& after, const ChangeSet& changes,
                           Seq first)
    : before_(before),
      after_(after),
      changes_(changes),
      size_(changes.listed.size() + changes.deleted.size() + changes.inserted.size()),
      next_(static_cast<std::size_t>(first.value - 1)) {
  DD_ASSERT(first.value >= 1);
  DD_ASSERT(before != nullptr || changes.deleted.size() == 0);
}

bool ChangeReader::next() {
  if (is_at_end()) return false;
  const std::size_t deletes = changes_.deleted.size();
  change_ = {};
  if (!changes_.listed.empty()) {
    change_ = changes_.listed[next_];
  } else if (next_ < deletes) {
    if (!read_row(*before_, changes_.deleted, next_, change_.before)) return false;
  } else {
    if (!read_row(after_, changes_.inserted, next_ - deletes, change_.after)) return false;
  }
  ++next_;
  return true;
}

bool ChangeReader::read_row(const csv::File& file, const RowPlaces& rows, std::size_t number, RowRef& row) {
  if (!scanner_ || number == 0) scanner_ = rows.scanner_at(file, number);
  csv::Row read;
  if (!scanner_->next(read)) return false;
  row = RowRef(read);
  return read.fault == csv::RowFault::none && file.header().takes(read.fields);
}

}  // namespace deltadrop::diff
