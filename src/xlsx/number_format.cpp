#include "xlsx/number_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace deltadrop::xlsx {
namespace {

using Condition = FormatSection::Condition;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(),
                                                    [](char a, char b) { return lower(a) == lower(b); });
}

std::optional<Condition> parse_condition(std::string_view text) {
  using Operator = Condition::Operator;
  constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"<=", Operator::less_equal}, {">=", Operator::greater_equal}, {"<>", Operator::not_equal},
      {"<", Operator::less},        {">", Operator::greater},        {"=", Operator::equal}};
  for (const auto& [sign, comparison] : kOperators) {
    if (!text.starts_with(sign)) continue;
    text.remove_prefix(sign.size());
    double bound = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bound);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return Condition{comparison, bound};
  }
  return std::nullopt;
}

/// Parses one section of a format code. Letters that are not quoted or escaped are parts of dates and times.
class SectionParser {
 public:
  /// Consumes `code` up to and including the ";" that ends the section. Returns false without a ";".
  bool parse(std::string_view& code) {
    while (!code.empty()) {
      const char c = code.front();
      code.remove_prefix(1);
      if (c == ';') return true;
      take(c, code);
    }
    return false;
  }

  FormatSection finish() {
    if (open_months_) has_date_ = true;
    if (has_date_) {
      section_.shown = has_time_ || has_elapsed_ ? Shown::date_time : Shown::date;
    } else if (has_elapsed_) {
      section_.shown = Shown::duration;
    } else if (has_time_) {
      section_.shown = Shown::time;
    } else if (zeros_ >= 2 && !is_number_) {
      section_.shown = Shown::code;
    }
    if (section_.shown != Shown::code) section_.pattern.clear();
    return std::move(section_);
  }

 private:
  void take(char c, std::string_view& code) {
    switch (lower(c)) {
      case '"':
        return take_quoted(code);
      case '\\':
        section_.pattern += code.substr(0, 1);
        return drop(code);
      case '_':  // the width of the next character
      case '*':  // the next character, repeated
        return drop(code);
      case '[':
        return take_brackets(code);
      case '0':
        ++zeros_;
        section_.pattern += FormatSection::kDigit;
        return;
      case '#':
      case '?':
      case '.':
      case ',':
      case '%':
      case '/':
      case '@':
        is_number_ = true;
        return;
      default:
        return take_letter(c, code);
    }
  }

  void take_letter(char c, std::string_view& code) {
    switch (lower(c)) {
      case 'g':
        if (starts_with_ignoring_case(code, "eneral")) {
          code.remove_prefix(6);
          is_number_ = true;
          return;
        }
        return take_date();
      case 'e':
        if (code.starts_with('+') || code.starts_with('-')) {
          is_number_ = true;
          return;
        }
        return take_date();
      case 'a':
        return take_a(code);
      case 'b':
      case 'd':
      case 'y':
        return take_date();
      case 'h':
        close_months();
        has_time_ = true;
        after_hours_ = true;
        return;
      case 's':
        open_months_ = false;  // the open "m" was minutes
        has_time_ = true;
        after_hours_ = false;
        return;
      case 'm':
        return take_m(code);
      default:
        section_.pattern += c;
    }
  }

  void take_date() {
    close_months();
    has_date_ = true;
    after_hours_ = false;
  }

  void take_a(std::string_view& code) {
    if (starts_with_ignoring_case(code, "m/pm")) {
      code.remove_prefix(4);
    } else if (starts_with_ignoring_case(code, "/p")) {
      code.remove_prefix(2);
    } else {
      return take_date();  // aaa: the day of the week
    }
    has_time_ = true;
  }

  /// After hours or before seconds, "m" and "mm" are minutes.
  void take_m(std::string_view& code) {
    std::size_t length = 1;
    while (!code.empty() && lower(code.front()) == 'm') {
      ++length;
      code.remove_prefix(1);
    }
    if (length > 2) return take_date();
    close_months();
    if (after_hours_) {
      has_time_ = true;
    } else {
      open_months_ = true;
    }
    after_hours_ = false;
  }

  void close_months() {
    has_date_ = has_date_ || open_months_;
    open_months_ = false;
  }

  void take_quoted(std::string_view& code) {
    const std::size_t end = std::min(code.find('"'), code.size());
    section_.pattern += code.substr(0, end);
    code.remove_prefix(std::min(end + 1, code.size()));
  }

  /// Consumes brackets such as [h], [$-409], [$EUR-407], [Red] or [>=100].
  void take_brackets(std::string_view& code) {
    const std::size_t end = std::min(code.find(']'), code.size());
    const std::string_view inner = code.substr(0, end);
    code.remove_prefix(std::min(end + 1, code.size()));
    if (inner.empty()) return;
    const char first = lower(inner.front());
    const bool repeats = std::all_of(inner.begin(), inner.end(), [&](char c) { return lower(c) == first; });
    if (repeats && (first == 'h' || first == 'm' || first == 's')) {
      has_elapsed_ = true;
      after_hours_ = first == 'h';
    } else if (first == '$') {
      section_.pattern += inner.substr(1, inner.find('-') - 1);
    } else if (const auto condition = parse_condition(inner)) {
      section_.condition = condition;
    }
  }

  static void drop(std::string_view& code) { code.remove_prefix(std::min<std::size_t>(1, code.size())); }

  FormatSection section_;
  int zeros_ = 0;
  bool is_number_ = false;  ///< has something that no code has
  bool has_date_ = false;
  bool has_time_ = false;
  bool has_elapsed_ = false;
  bool after_hours_ = false;
  bool open_months_ = false;  ///< an "m" that the next letter makes a month or minutes
};

bool in(std::uint32_t id, std::uint32_t first, std::uint32_t last) { return id >= first && id <= last; }

std::string fill_pattern(std::string_view pattern, std::string_view digits) {
  const auto places =
      static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), FormatSection::kDigit));
  std::string padded(places > digits.size() ? places - digits.size() : 0, '0');
  padded += digits;
  std::string out;
  std::size_t used = 0;
  for (const char c : pattern) {
    if (c != FormatSection::kDigit) {
      out += c;
      continue;
    }
    // Digits beyond the number of placeholders go before the first.
    const std::size_t count = used == 0 ? padded.size() - places + 1 : 1;
    out.append(padded, used, count);
    used += count;
  }
  return out;
}

}  // namespace

bool FormatSection::Condition::holds(double value) const {
  switch (comparison) {
    case Operator::less:
      return value < bound;
    case Operator::less_equal:
      return value <= bound;
    case Operator::equal:
      return value == bound;
    case Operator::not_equal:
      return value != bound;
    case Operator::greater_equal:
      return value >= bound;
    case Operator::greater:
      return value > bound;
  }
  return false;
}

NumberFormat NumberFormat::parse(std::string_view code) {
  NumberFormat format;
  format.sections_.clear();
  bool more = true;
  while (more && format.sections_.size() < 3) {  // the fourth is for text
    SectionParser parser;
    more = parser.parse(code);
    format.sections_.push_back(parser.finish());
  }
  return format;
}

NumberFormat NumberFormat::built_in(std::uint32_t id) {
  NumberFormat format;
  Shown& shown = format.sections_.front().shown;
  if (in(id, 14, 17)) shown = Shown::date;
  if (in(id, 18, 21) || id == 45 || id == 47) shown = Shown::time;
  if (id == 22) shown = Shown::date_time;
  if (id == 46) shown = Shown::duration;
  // Built-in formats of Chinese, Japanese and Korean.
  if (in(id, 27, 31) || id == 36 || in(id, 50, 54) || id == 57 || id == 58) shown = Shown::date;
  if (id == 32 || id == 33) shown = Shown::time;
  if (id == 34 || id == 35 || id == 55 || id == 56) shown = Shown::date_or_time;
  return format;
}

const FormatSection& NumberFormat::section_for(double value) const {
  using Operator = Condition::Operator;
  for (std::size_t i = 0; i + 1 < sections_.size(); ++i) {
    const Condition usual{i == 1                  ? Operator::less
                          : sections_.size() == 2 ? Operator::greater_equal
                                                  : Operator::greater,
                          0};
    if (sections_[i].condition.value_or(usual).holds(value)) return sections_[i];
  }
  return sections_.back();
}

bool NumberFormat::keeps_numbers() const {
  return std::all_of(sections_.begin(), sections_.end(),
                     [](const FormatSection& section) { return section.shown == Shown::as_stored; });
}

std::optional<std::string> NumberFormat::show_code(double value) const {
  constexpr double kExactMax = 9'007'199'254'740'992;  // 2^53
  if (!(std::abs(value) < kExactMax) || value != std::floor(value)) return std::nullopt;
  const FormatSection& section = section_for(value);
  const std::string digits = fmt::format("{}", static_cast<std::int64_t>(std::abs(value)));
  // A separate section for negative numbers contains its own sign.
  const bool signed_here = value < 0 && &section == &sections_.front();
  return (signed_here ? "-" : "") + fill_pattern(section.pattern, digits);
}

}  // namespace deltadrop::xlsx
