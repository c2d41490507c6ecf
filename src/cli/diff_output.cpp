#include "cli/diff_output.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <cstdio>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "cli/standard_output.hpp"
#include "core/json_text.hpp"
#include "core/text.hpp"
#include "csv/record.hpp"

namespace deltadrop::cli {
namespace {

using Value = std::optional<std::string>;
using Values = std::vector<std::pair<std::string, Value>>;

/// Returns the code point of the valid UTF-8 character `bytes`.
char32_t code_point(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(bytes[i])); };
  if (bytes.size() == 1) return at(0);
  char32_t c = at(0) & (0xFFU >> (bytes.size() + 1));
  for (std::size_t i = 1; i < bytes.size(); ++i) c = c << 6 | (at(i) & 0x3FU);
  return c;
}

bool drives_terminal(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
  const bool line_end = c == 0x2028 || c == 0x2029;
  const bool direction =
      (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F;
  return control || line_end || direction;
}

std::string shown(const Value& value) { return value ? terminal_safe(*value) : "(none)"; }

const Value* find_value(const Values& values, std::string_view column) {
  for (const auto& [name, value] : values) {
    if (name == column) return &value;
  }
  return nullptr;
}

/// Formats events in a buffer and writes it when it is large.
class Output {
 public:
  Output(DiffFormat format, const diff::EqualNumbers* equal_numbers)
      : format_(format), equal_numbers_(equal_numbers) {}

  Result<void> begin() {
    if (format_ == DiffFormat::csv) buffer_ += "change,key,column,old,new\n";
    return success();
  }

  Result<bool> write(const EventView& event) {
    switch (format_) {
      case DiffFormat::text:
        append_text(event);
        break;
      case DiffFormat::json:
        append_json(event);
        break;
      case DiffFormat::csv:
        append_csv(event);
        break;
    }
    if (buffer_.size() >= kFlushBytes) {
      DD_TRY(flush());
    }
    return true;
  }

  Result<void> end(const diff::ChangeSet& changes) {
    if (format_ == DiffFormat::text) append_summary(changes);
    return finish();
  }

  Result<void> write_summary(const diff::ChangeSet& changes) {
    const diff::Counts& counts = changes.counts;
    const auto out = std::back_inserter(buffer_);
    switch (format_) {
      case DiffFormat::text:
        append_summary(changes);
        break;
      case DiffFormat::json:
        append_summary_json(changes);
        break;
      case DiffFormat::csv:
        fmt::format_to(out, "inserted,updated,deleted,rows_before,rows{}\n{},{},{},{},{}",
                       equal_numbers_ == nullptr ? "" : ",written_differently,within_tolerance",
                       counts.inserted, counts.updated, counts.deleted, counts.rows_before, counts.rows);
        if (equal_numbers_ != nullptr) {
          fmt::format_to(out, ",{},{}", equal_numbers_->written_differently,
                         equal_numbers_->within_tolerance);
        }
        buffer_ += '\n';
        break;
    }
    return finish();
  }

 private:
  Result<void> finish() {
    DD_TRY(flush());
    if (std::fflush(stdout) != 0) return output_failed();
    return success();
  }

  static constexpr std::size_t kFlushBytes = std::size_t{1} << 16;

  Result<void> flush() {
    if (std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) != buffer_.size()) return output_failed();
    buffer_.clear();
    return success();
  }

  Values parse(std::string_view json) {
    Values values;
    if (json.empty()) return values;
    padded_.assign(json);
    padded_.append(simdjson::SIMDJSON_PADDING, '\0');
    auto document = parser_.iterate(padded_.data(), json.size(), padded_.size());
    for (auto field : document.get_object()) {
      std::string name(std::string_view(field.unescaped_key()));
      auto value = field.value();
      const bool null = value.is_null();
      values.emplace_back(std::move(name), null ? Value() : Value(std::string_view(value.get_string())));
    }
    return values;
  }

  /// Calls `use` with the value in each changed column before and after the change, or with every value of an
  /// inserted or deleted row.
  template <class Use>
  void for_each_change(const EventView& event, const Use& use) {
    const Values before = parse(event.old_values_json);
    const Values after = parse(event.new_values_json);
    const Value none;
    if (event.changed_columns == nullptr) {
      for (const auto& [name, value] : before) use(name, value, none);
      for (const auto& [name, value] : after) use(name, none, value);
      return;
    }
    for (const auto name : *event.changed_columns) {
      const Value* old_value = find_value(before, name);
      const Value* new_value = find_value(after, name);
      use(name, old_value == nullptr ? none : *old_value, new_value == nullptr ? none : *new_value);
    }
  }

  void append_text(const EventView& event) {
    const auto out = std::back_inserter(buffer_);
    const std::string key = terminal_safe(event.key_value);
    if (event.type == ChangeType::insert) fmt::format_to(out, "+ {}\n", key);
    if (event.type == ChangeType::remove) fmt::format_to(out, "- {}\n", key);
    if (event.type != ChangeType::update) return;
    for_each_change(event, [&](std::string_view column, const Value& old_value, const Value& new_value) {
      fmt::format_to(out, "~ {}  {}: {} -> {}\n", key, terminal_safe(column), shown(old_value),
                     shown(new_value));
    });
  }

  void append_json(const EventView& event) {
    const auto field = [&](std::string_view name) {
      fmt::format_to(std::back_inserter(buffer_), ",\"{}\":", name);
    };
    const auto object = [&](std::string_view json) { buffer_ += json.empty() ? "null" : json; };
    fmt::format_to(std::back_inserter(buffer_), "{{\"event_type\":\"{}\"", to_string(event.type));
    field("key_column");
    append_json_string(buffer_, event.key_column);
    field("key_value");
    append_json_string(buffer_, event.key_value);
    field("old_values");
    object(event.old_values_json);
    field("new_values");
    object(event.new_values_json);
    field("changed_columns");
    buffer_ += '[';
    if (event.changed_columns != nullptr) {
      for (const auto name : *event.changed_columns) {
        if (buffer_.back() != '[') buffer_ += ',';
        append_json_string(buffer_, name);
      }
    }
    buffer_ += ']';
    field("line");
    fmt::format_to(std::back_inserter(buffer_), "{}}}\n", event.line.value);
  }

  void append_csv(const EventView& event) {
    for_each_change(event, [&](std::string_view column, const Value& old_value, const Value& new_value) {
      if (event.type != ChangeType::update && !old_value && !new_value) return;
      const std::string_view fields[] = {to_string(event.type), event.key_value, column,
                                         old_value ? std::string_view(*old_value) : std::string_view(),
                                         new_value ? std::string_view(*new_value) : std::string_view()};
      csv::append_record(buffer_, fields);
      buffer_ += '\n';
    });
  }

  void append_summary(const diff::ChangeSet& changes) {
    const auto out = std::back_inserter(buffer_);
    for (const auto& change : changes.schema_changes) {
      fmt::format_to(out, "column {} {}", change.added ? "added:" : "removed:", terminal_safe(change.column));
      if (!change.added) fmt::format_to(out, " (held {})", counted(change.values_lost, "value"));
      buffer_ += '\n';
    }
    const diff::Counts& counts = changes.counts;
    fmt::format_to(out, "{} inserted, {} updated, {} deleted; {} before, {} now\n", counts.inserted,
                   counts.updated, counts.deleted, counted(counts.rows_before, "row"), counts.rows);
    if (equal_numbers_ == nullptr) return;
    const auto& equal = *equal_numbers_;
    if (equal.written_differently > 0) {
      fmt::format_to(out, "{} written differently, with the same number\n",
                     counted(equal.written_differently, "value"));
    }
    if (equal.within_tolerance > 0) {
      fmt::format_to(out, "{} within the tolerance\n", counted(equal.within_tolerance, "number"));
    }
  }

  void append_summary_json(const diff::ChangeSet& changes) {
    const auto out = std::back_inserter(buffer_);
    const diff::Counts& counts = changes.counts;
    fmt::format_to(out,
                   "{{\"inserted\":{},\"updated\":{},\"deleted\":{},\"rows_before\":{},\"rows\":{},"
                   "\"schema_changes\":[",
                   counts.inserted, counts.updated, counts.deleted, counts.rows_before, counts.rows);
    for (const auto& change : changes.schema_changes) {
      if (buffer_.back() != '[') buffer_ += ',';
      buffer_ += R"({"column":)";
      append_json_string(buffer_, change.column);
      fmt::format_to(out, R"(,"change":"{}"}})", change.added ? "added" : "removed");
    }
    buffer_ += ']';
    if (equal_numbers_ != nullptr) {
      fmt::format_to(out, ",\"written_differently\":{},\"within_tolerance\":{}",
                     equal_numbers_->written_differently, equal_numbers_->within_tolerance);
    }
    buffer_ += "}\n";
  }

  DiffFormat format_;
  const diff::EqualNumbers* equal_numbers_;
  std::string buffer_;
  std::string padded_;
  simdjson::ondemand::parser parser_;
};

}  // namespace

std::string skipped_text(const csv::Skipped& skipped) {
  std::string parts;
  const auto add = [&](std::int64_t count, std::string_view noun, std::string_view where) {
    if (count > 0) parts += fmt::format("{}{}{}", parts.empty() ? "" : ", ", counted(count, noun), where);
  };
  add(skipped.lines, "line", " above the header");
  add(skipped.blank, "blank row", "");
  add(skipped.header, "repeated header", "");
  add(skipped.footer, "line", " of the footer");
  return parts;
}

std::string terminal_safe(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_character_length(text);
    if (length == 0) {
      out += fmt::format("\\x{:02X}", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    const char32_t c = code_point(text.substr(0, length));
    if (!drives_terminal(c)) {
      out += text.substr(0, length);
    } else if (c < 0x80) {
      out += fmt::format("\\x{:02X}", static_cast<unsigned>(c));
    } else {
      out += fmt::format("\\u{{{:04X}}}", static_cast<unsigned>(c));
    }
    text.remove_prefix(length);
  }
  return out;
}

Result<void> write_changes(const csv::File& before, const csv::File& after, const diff::ChangeSet& changes,
                           const diff::EqualNumbers* equal_numbers, DiffFormat format) {
  Output output(format, equal_numbers);
  DD_TRY(output.begin());
  DD_TRY(diff::for_each_event(&before, after, changes, Seq(1),
                              [&](const EventView& event) { return output.write(event); }));
  return output.end(changes);
}

Result<void> write_summary(const diff::ChangeSet& changes, const diff::EqualNumbers* equal_numbers,
                           DiffFormat format) {
  return Output(format, equal_numbers).write_summary(changes);
}

}  // namespace deltadrop::cli
