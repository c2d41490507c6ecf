#include "core/declared_type.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <span>
#include <utility>

#include "core/table_ref.hpp"
#include "core/text.hpp"

namespace deltadrop {
namespace {

constexpr std::array<std::string_view, 5> kBlanks = {" ", "\t", "\xC2\xA0", "\xE2\x80\xAF", "\xE2\x80\x89"};
constexpr std::string_view kMinusSign = "\xE2\x88\x92";
constexpr std::size_t kCurrencyBytesMax = 12;
constexpr std::size_t kGroupDigits = 3;

constexpr std::array<std::pair<Thousands, std::string_view>, 6> kThousandsNames = {{
    {Thousands::any, "any"},
    {Thousands::none, "none"},
    {Thousands::comma, "','"},
    {Thousands::dot, "'.'"},
    {Thousands::apostrophe, "apostrophe"},
    {Thousands::blank, "blank"},
}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool take(std::string_view& text, std::string_view front) {
  if (front.empty() || !text.starts_with(front)) return false;
  text.remove_prefix(front.size());
  return true;
}

bool take_back(std::string_view& text, std::string_view back) {
  if (back.empty() || !text.ends_with(back)) return false;
  text.remove_suffix(back.size());
  return true;
}

bool take_any(std::string_view& text, std::span<const std::string_view> fronts) {
  return std::any_of(fronts.begin(), fronts.end(), [&](auto front) { return take(text, front); });
}

void trim(std::string_view& text) {
  while (take_any(text, kBlanks)) {
  }
  while (std::any_of(kBlanks.begin(), kBlanks.end(), [&](auto blank) { return take_back(text, blank); })) {
  }
}

// ---- reading values

/// Reads one number under a notation.
class NumberReader {
 public:
  explicit NumberReader(const NumberNotation& notation) : notation_(notation) {}

  struct Read {
    Decimal value;
    bool is_integer;  ///< written without a fraction, an exponent or %
  };

  std::optional<Read> read(std::string_view text) {
    trim(text);
    if (!take_marks(text)) return std::nullopt;
    if (!read_integer(text) || !read_fraction(text)) return std::nullopt;
    if (!text.empty() && !read_exponent(text)) return std::nullopt;
    return Read{Decimal::of_digits(negative_, digits_, exponent_), exponent_ == 0 && !has_exponent_};
  }

 private:
  /// Takes signs, parentheses, currency and % from around the digits. Returns false if the parentheses do not
  /// match or a required % is missing. A repeated mark stays in `text`, which the next steps reject.
  bool take_marks(std::string_view& text) {
    if (text.starts_with('(') != text.ends_with(')')) return false;
    if (text.starts_with('(')) {
      text = text.substr(1, text.size() - 2);
      negative_ = true;
    }
    bool signed_already = negative_;
    bool has_currency = notation_.currency.empty();
    bool has_percent = !notation_.percent;
    for (bool taken = true; taken;) {
      taken = false;
      trim(text);
      const bool minus = !signed_already && (take(text, "-") || take(text, kMinusSign) ||
                                             take_back(text, "-") || take_back(text, kMinusSign));
      if (minus || (!signed_already && take(text, "+"))) {
        negative_ = minus;
        signed_already = taken = true;
      }
      if (!has_currency && (take(text, notation_.currency) || take_back(text, notation_.currency))) {
        has_currency = taken = true;
      }
      if (!has_percent && take_back(text, "%")) {
        has_percent = taken = true;
        exponent_ = -2;
      }
    }
    return has_percent;
  }

  std::size_t take_digits(std::string_view& text) {
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[count])) ++count;
    digits_ += text.substr(0, count);
    text.remove_prefix(count);
    return count;
  }

  /// Reads digits. If they are separated, the groups after the first have three digits, and every separator
  /// is the same.
  bool read_integer(std::string_view& text) {
    const std::size_t first = take_digits(text);
    std::string_view separator;
    for (const auto each : thousands_separators(notation_.thousands, notation_.mark)) {
      if (text.starts_with(each)) separator = each;
    }
    if (separator.empty()) return true;
    if (first == 0 || first > kGroupDigits) return false;
    grouped_ = true;
    while (take(text, separator)) {
      if (take_digits(text) != kGroupDigits) return false;
    }
    return true;
  }

  bool read_fraction(std::string_view& text) {
    if (!text.empty() && text.front() == notation_.mark) {
      text.remove_prefix(1);
      const auto count = take_digits(text);
      if (count == 0) return false;
      exponent_ -= static_cast<std::int64_t>(count);
    }
    return !digits_.empty();
  }

  bool read_exponent(std::string_view text) {
    if (grouped_ || notation_.percent || (text.front() != 'e' && text.front() != 'E')) return false;
    const auto power = Decimal::parse("1" + std::string(text));
    if (!power) return false;
    has_exponent_ = true;
    exponent_ += power->fraction_digits() > 0 ? -power->fraction_digits() : power->integer_digits() - 1;
    return true;
  }

  const NumberNotation& notation_;
  bool negative_ = false;
  bool grouped_ = false;
  bool has_exponent_ = false;
  std::string digits_;
  std::int64_t exponent_ = 0;
};

bool fits_int64(const Decimal& number) {
  const auto value = number.unscaled(0);
  return value && *value >= std::numeric_limits<std::int64_t>::min() &&
         *value <= std::numeric_limits<std::int64_t>::max();
}

// ---- parsing declarations

Error bad_type(std::string_view text, std::string_view problem, std::string fix) {
  return {ErrorCode::invalid_input, "bad-types", fmt::format("type {} {}", quoted_for_message(text), problem),
          std::move(fix)};
}

std::string type_names() {
  std::string names;
  for (const auto type : kDeclarableTypes) {
    names += names.empty() ? "" : ", ";
    names += to_string(type);
  }
  return names;
}

Error unknown_type(std::string_view text) {
  return bad_type(text, "is unknown",
                  fmt::format("write types as column:type,... with a type of {}, and how values are written "
                              "after it, such as decimal(2, ',') or date(DD.MM.YYYY)",
                              type_names()));
}

Error bad_notation(std::string_view text, std::string_view problem) {
  return bad_type(text, problem,
                  "write decimal(2, ','), then any of: thousands '.', thousands blank, thousands apostrophe, "
                  "thousands none, currency 'EUR', percent");
}

/// Splits what is in a type's parentheses into words and texts in single quotes.
class Arguments {
 public:
  struct Token {
    std::string text;
    bool quoted = false;
  };

  /// Returns nothing if a quote is not closed.
  static std::optional<std::vector<std::vector<Token>>> of(std::string_view text) {
    std::vector<std::vector<Token>> all(1);
    while (!text.empty()) {
      const char c = text.front();
      if (c == ' ' || c == '\t') {
        text.remove_prefix(1);
      } else if (c == ',') {
        text.remove_prefix(1);
        all.emplace_back();
      } else if (c == '\'') {
        auto token = take_quoted(text);
        if (!token) return std::nullopt;
        all.back().push_back({std::move(*token), true});
      } else {
        const auto end = std::min(text.find_first_of(" \t,'"), text.size());
        all.back().push_back({std::string(text.substr(0, end)), false});
        text.remove_prefix(end);
      }
    }
    return all;
  }

 private:
  /// In the text, two consecutive quotes mean one quote.
  static std::optional<std::string> take_quoted(std::string_view& text) {
    std::string out;
    text.remove_prefix(1);
    while (!text.empty()) {
      const char c = text.front();
      text.remove_prefix(1);
      if (c == '\'' && !take(text, "'")) return out;
      out += c;
    }
    return std::nullopt;
  }
};

using Argument = std::vector<Arguments::Token>;

std::optional<Thousands> thousands_of(const Arguments::Token& token) {
  if (!token.quoted) {
    const auto name = ascii_lower(token.text);
    if (name == "comma") return Thousands::comma;
    if (name == "dot" || name == "point") return Thousands::dot;
    for (const auto& [value, known] : kThousandsNames) {
      if (name == known) return value;
    }
    return std::nullopt;
  }
  if (token.text.empty()) return Thousands::none;
  if (token.text == ",") return Thousands::comma;
  if (token.text == ".") return Thousands::dot;
  if (token.text == "'" || token.text == "\xE2\x80\x99") return Thousands::apostrophe;
  if (std::find(kBlanks.begin(), kBlanks.end(), token.text) != kBlanks.end()) return Thousands::blank;
  return std::nullopt;
}

bool is_usable_currency(std::string_view text) {
  return !text.empty() && text.size() <= kCurrencyBytesMax &&
         find_invalid_utf8(text) == std::string_view::npos &&
         std::none_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || (c < 0x21 && c >= 0) || c == 0x7F ||
                  std::string_view("+-.,%()'\"").find(c) != std::string_view::npos;
         });
}

/// Applies one argument that follows the scale and the decimal mark. Returns the problem with it, or an empty
/// string.
std::string add_option(NumberNotation& notation, const Argument& argument) {
  const auto word = ascii_lower(argument.front().text);
  if (!argument.front().quoted && argument.size() == 1 && word == "percent") {
    notation.percent = true;
    return {};
  }
  if (argument.front().quoted || argument.size() != 2 || (word != "thousands" && word != "currency")) {
    return fmt::format("has {} where an option is expected", quoted_for_message(argument.front().text));
  }
  const auto& value = argument[1];
  if (word == "currency") {
    if (!value.quoted || !is_usable_currency(value.text)) {
      return fmt::format("has the currency {}, which is not a sign or a code in single quotes",
                         quoted_for_message(value.text));
    }
    notation.currency = value.text;
    return {};
  }
  const auto thousands = thousands_of(value);
  if (!thousands) return fmt::format("has an unknown thousands separator {}", quoted_for_message(value.text));
  notation.thousands = *thousands;
  return {};
}

std::string problem_of(const NumberNotation& notation) {
  if (notation.mark != '.' && notation.mark != ',') return "has a decimal mark other than '.' and ','";
  const bool same = (notation.mark == ',' && notation.thousands == Thousands::comma) ||
                    (notation.mark == '.' && notation.thousands == Thousands::dot);
  return same ? "has one character as decimal mark and as thousands separator" : "";
}

/// Parses the scale of a decimal. Returns its type and the other arguments.
Result<std::pair<ColumnType, std::vector<Argument>>> parse_scale(std::string_view text,
                                                                 std::vector<Argument> arguments) {
  const bool simple = arguments.front().size() == 1 && !arguments.front().front().quoted;
  const auto scale = simple ? arguments.front().front().text : std::string();
  const auto type = parse_column_type(fmt::format("decimal({})", scale));
  if (!type) {
    const bool number =
        !scale.empty() && scale.size() < 3 && std::all_of(scale.begin(), scale.end(), is_digit);
    const auto next = number ? decimal_of_scale(std::stoi(scale)) : std::nullopt;
    if (!next) return unknown_type(text);
    return bad_type(text, fmt::format("has a scale of {}; the scales are 2, 4, 6, 9, 12 and 18", scale),
                    fmt::format("use {}, which holds {}", to_string(*next),
                                counted(std::stoi(scale), "digit") + " after the point"));
  }
  arguments.erase(arguments.begin());
  return std::pair(*type, std::move(arguments));
}

}  // namespace

// ---- DatePattern

std::optional<DatePattern> DatePattern::parse(std::string_view text) {
  struct Token {
    std::string_view text;
    Part part;
    std::size_t digits;
  };
  constexpr std::array<Token, 5> kTokens = {{{"YYYY", Part::year, 4},
                                             {"MM", Part::month, 2},
                                             {"DD", Part::day, 2},
                                             {"M", Part::month, 1},
                                             {"D", Part::day, 1}}};
  DatePattern pattern{};
  std::size_t count = 0;
  std::string before;
  while (!text.empty()) {
    const auto token = std::find_if(kTokens.begin(), kTokens.end(),
                                    [&](const Token& each) { return text.starts_with(each.text); });
    if (token == kTokens.end()) {
      const char c = text.front();
      if (is_letter(c) || is_digit(c) || c == '\'' || c == '"' || c < 0x20 || c == 0x7F) return std::nullopt;
      before += c;
      text.remove_prefix(1);
      continue;
    }
    const bool repeated = std::any_of(pattern.fields.begin(), pattern.fields.begin() + count,
                                      [&](const Field& field) { return field.part == token->part; });
    if (count == 3 || repeated) return std::nullopt;
    pattern.fields[count++] = {token->part, token->digits, std::exchange(before, {})};
    text.remove_prefix(token->text.size());
  }
  if (count != 3 || !before.empty()) return std::nullopt;
  // Without a separator, only fields of a fixed width can be told apart.
  for (std::size_t i = 1; i < 3; ++i) {
    const bool open = pattern.fields[i - 1].digits == 1 || pattern.fields[i].digits == 1;
    if (open && pattern.fields[i].before.empty()) return std::nullopt;
  }
  return pattern;
}

std::string DatePattern::to_string() const {
  std::string text;
  for (const auto& field : fields) {
    text += field.before;
    text +=
        field.part == Part::year ? "YYYY" : std::string(field.digits, field.part == Part::day ? 'D' : 'M');
  }
  return text;
}

std::optional<std::int64_t> DatePattern::days(std::string_view text) const {
  std::array<int, 3> parts{};
  for (const auto& field : fields) {
    if (!field.before.empty() && !take(text, field.before)) return std::nullopt;
    const std::size_t most = std::max<std::size_t>(field.digits, 2);
    std::size_t count = 0;
    int number = 0;
    for (; count < most && count < text.size() && is_digit(text[count]); ++count) {
      number = number * 10 + (text[count] - '0');
    }
    if (count < field.digits) return std::nullopt;
    text.remove_prefix(count);
    parts[static_cast<std::size_t>(field.part)] = number;
  }
  namespace chrono = std::chrono;
  const chrono::year_month_day date{chrono::year(parts[2]), chrono::month(static_cast<unsigned>(parts[1])),
                                    chrono::day(static_cast<unsigned>(parts[0]))};
  if (!text.empty() || parts[2] < 1 || !date.ok()) return std::nullopt;
  return chrono::sys_days(date).time_since_epoch().count();
}

// ---- DeclaredType

Result<DeclaredType> DeclaredType::parse(std::string_view text) {
  const std::string trimmed(trim_blanks(text));
  const auto open = trimmed.find('(');
  const auto word = ascii_lower(trim_blanks(std::string_view(trimmed).substr(0, open)));
  if (open == std::string::npos) {
    const auto known = parse_column_type(word);
    if (!known || *known == ColumnType::null) return unknown_type(text);
    return DeclaredType(*known);
  }
  if (!trimmed.ends_with(')')) return bad_type(text, "has no closing parenthesis", "close it");
  const auto inner = std::string_view(trimmed).substr(open + 1, trimmed.size() - open - 2);
  DeclaredType declared;
  if (word == "date") {
    auto pattern = trim_blanks(inner);
    if (pattern.size() > 1 && pattern.starts_with('\'') && pattern.ends_with('\'')) {
      pattern = pattern.substr(1, pattern.size() - 2);
    }
    declared.type_ = ColumnType::date;
    declared.dates_ = DatePattern::parse(pattern);
    if (declared.dates_) return declared;
    return bad_type(
        text, "has a pattern that is not one of a date",
        "write D or DD, M or MM, and YYYY, each once, such as date(DD.MM.YYYY) or date(M/D/YYYY)");
  }
  auto arguments = Arguments::of(inner);
  if (!arguments) return bad_notation(text, "has a single quote that is not closed");
  if (word == "decimal") {
    DD_TRY(auto parsed, parse_scale(text, std::move(*arguments)));
    declared.type_ = parsed.first;
    arguments = std::move(parsed.second);
    if (arguments->empty()) return declared;
  } else if (word == "int64") {
    declared.type_ = ColumnType::int64;
  } else {
    return unknown_type(text);
  }
  NumberNotation notation;
  bool first = true;
  for (const auto& argument : *arguments) {
    if (argument.empty()) return bad_notation(text, "has an empty argument");
    const bool is_mark = std::exchange(first, false) && argument.size() == 1 && argument.front().quoted &&
                         declared.type_ != ColumnType::int64;
    if (is_mark) {
      notation.mark = argument.front().text.size() == 1 ? argument.front().text.front() : '\0';
      continue;
    }
    if (auto problem = add_option(notation, argument); !problem.empty()) return bad_notation(text, problem);
  }
  // An int64 has no decimal mark, so both ',' and '.' may separate thousands.
  if (declared.type_ == ColumnType::int64 && notation.thousands == Thousands::dot) notation.mark = ',';
  if (auto problem = problem_of(notation); !problem.empty()) return bad_notation(text, problem);
  declared.numbers_ = std::move(notation);
  return declared;
}

std::string DeclaredType::to_string() const {
  std::string text(deltadrop::to_string(type_));
  if (dates_) return fmt::format("date({})", dates_->to_string());
  if (!numbers_) return text;
  std::vector<std::string> arguments;
  if (type_ != ColumnType::int64) {
    arguments.push_back(text.substr(text.find('(') + 1));
    arguments.back().pop_back();
    arguments.push_back(fmt::format("'{}'", numbers_->mark));
  }
  if (numbers_->thousands != Thousands::any || (type_ == ColumnType::int64 && numbers_->currency.empty())) {
    arguments.push_back(
        fmt::format("thousands {}", kThousandsNames[static_cast<std::size_t>(numbers_->thousands)].second));
  }
  if (!numbers_->currency.empty()) arguments.push_back(fmt::format("currency '{}'", numbers_->currency));
  if (numbers_->percent) arguments.emplace_back("percent");
  return fmt::format("{}({})", text.substr(0, text.find('(')), fmt::join(arguments, ", "));
}

std::optional<Decimal> DeclaredType::number(std::string_view text) const {
  if (numbers_) {
    auto read = NumberReader(*numbers_).read(text);
    return read ? std::optional(std::move(read->value)) : std::nullopt;
  }
  const auto digits = text.substr(text.starts_with('-') ? 1 : 0);
  // Digits with a leading zero, such as 007, are a code, not a number.
  if (digits.size() > 1 && digits[0] == '0' && is_digit(digits[1])) return std::nullopt;
  return Decimal::parse(text);
}

TypedValue DeclaredType::typed(std::string_view text) const {
  if (dates_) {
    const auto days = dates_->days(text);
    return days ? TypedValue{ColumnType::date, *days} : TypedValue{};
  }
  if (!numbers_) return typed_value(text);
  const auto read = NumberReader(*numbers_).read(text);
  if (!read) return {};
  if (read->is_integer && fits_int64(read->value)) return {ColumnType::int64, *read->value.unscaled(0)};
  return typed_decimal(read->value, read->value.fraction_digits());
}

bool DeclaredType::holds(std::string_view text) const {
  return type_ == ColumnType::string || joined(type_, typed(text).type) == type_;
}

std::string DeclaredType::fault_in(std::string_view text) const {
  const auto needed = typed(text).type;
  const bool wider = needed != ColumnType::string && joined(type_, needed) == needed;
  if (wider)
    return fmt::format("needs {}, which is wider than {}", deltadrop::to_string(needed), to_string());
  return fmt::format("is not a value of {}", to_string());
}

// ---- lists of declarations

namespace {

/// Takes one entry, up to a comma that is not within a type's parentheses. Returns nothing if
/// quotes or parentheses are not closed.
class Entries {
 public:
  explicit Entries(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool is_at_end() const { return ended_; }
  std::optional<std::string> next() {
    std::string entry;
    if (rest_.starts_with('"')) {
      if (!take_quoted(entry)) return std::nullopt;
    } else {
      const auto end = end_of_bare();
      if (!end) return std::nullopt;
      entry = rest_.substr(0, *end);
      rest_.remove_prefix(*end);
    }
    ended_ = !take(rest_, ",");
    if (ended_ && !rest_.empty()) return std::nullopt;
    return entry;
  }

 private:
  bool take_quoted(std::string& entry) {
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"' && !take(rest_, "\"")) return true;
      entry += c;
    }
    return false;
  }

  std::optional<std::size_t> end_of_bare() const {
    for (std::size_t at = 0; at < rest_.size(); ++at) {
      const char c = rest_[at];
      if (c == ',' || c == '\n' || c == '\r') return at;
      const auto open = c == ':' ? opening_after(at + 1) : std::nullopt;
      if (!open) continue;
      const auto close = closing_after(*open + 1);
      if (!close) return std::nullopt;
      at = *close;
    }
    return rest_.size();
  }

  /// Returns the position of the `(` after the type name at `at`, or nothing if there is none.
  [[nodiscard]] std::optional<std::size_t> opening_after(std::size_t at) const {
    while (at < rest_.size() && rest_[at] == ' ') ++at;
    const auto from = at;
    while (at < rest_.size() && (is_letter(rest_[at]) || is_digit(rest_[at]))) ++at;
    const auto word = ascii_lower(rest_.substr(from, at - from));
    while (at < rest_.size() && rest_[at] == ' ') ++at;
    const bool opens = at < rest_.size() && rest_[at] == '(';
    if (!opens || (word != "decimal" && word != "int64" && word != "date")) return std::nullopt;
    return at;
  }

  [[nodiscard]] std::optional<std::size_t> closing_after(std::size_t at) const {
    bool quoted = false;
    for (; at < rest_.size(); ++at) {
      if (rest_[at] == '\'') quoted = !quoted;
      if (rest_[at] == ')' && !quoted) return at;
    }
    return std::nullopt;
  }

  std::string_view rest_;
  bool ended_ = false;
};

/// Returns the position of the colon before the type, ignoring colons inside the type's parentheses.
std::size_t colon_of(std::string_view entry) {
  if (!entry.ends_with(')')) return entry.rfind(':');
  for (std::size_t at = entry.find(':'); at != std::string_view::npos; at = entry.find(':', at + 1)) {
    const auto type = ascii_lower(trim_blanks(entry.substr(at + 1)));
    const auto word = trim_blanks(std::string_view(type).substr(0, type.find('(')));
    if (word == "decimal" || word == "int64" || word == "date") return at;
  }
  return entry.rfind(':');
}

Error bad_list(std::string message) {
  return {ErrorCode::invalid_input, "bad-types", std::move(message),
          fmt::format("write types as column:type,... with a type of {}", type_names())};
}

}  // namespace

Result<DeclaredTypes> parse_declared_types(std::string_view text) {
  DeclaredTypes types;
  if (text.empty()) return types;
  const auto is_line_end = [](char c) { return c == '\r' || c == '\n'; };
  while (!text.empty() && is_line_end(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_line_end(text.back())) text.remove_suffix(1);
  for (Entries entries(text); !entries.is_at_end();) {
    const auto entry = entries.next();
    if (!entry) {
      return bad_list(
          fmt::format("types {} are not one CSV record of different entries", quoted_for_message(text)));
    }
    const auto colon = colon_of(*entry);
    if (colon == std::string::npos || colon == 0) {
      return bad_list(fmt::format("types entry {} is not column:type", quoted_for_message(*entry)));
    }
    const auto column = entry->substr(0, colon);
    auto type = DeclaredType::parse(std::string_view(*entry).substr(colon + 1));
    if (!type.has_value()) {
      auto error = type.error();
      error.message = fmt::format("column {}: {}", quoted_for_message(column), error.message);
      return error;
    }
    if (!types.emplace(column, type.value()).second) {
      return bad_list(fmt::format("types name the column {} twice", quoted_for_message(column)));
    }
  }
  return types;
}

std::vector<std::string_view> thousands_separators(Thousands thousands, char mark) {
  std::vector<std::string_view> separators;
  const auto wants = [&](Thousands each) { return thousands == each || thousands == Thousands::any; };
  if (wants(Thousands::comma) && mark != ',') separators.emplace_back(",");
  if (wants(Thousands::dot) && mark != '.') separators.emplace_back(".");
  if (wants(Thousands::apostrophe)) {
    separators.emplace_back("'");
    separators.emplace_back("\xE2\x80\x99");
  }
  if (wants(Thousands::blank)) {
    for (const auto blank : kBlanks) {
      if (blank != "\t") separators.push_back(blank);
    }
  }
  return separators;
}

std::vector<std::string_view> number_blanks() { return {kBlanks.begin(), kBlanks.end()}; }

}  // namespace deltadrop
