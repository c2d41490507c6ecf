#include "ingest/reading_options.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "core/text.hpp"
#include "ingest/request.hpp"
#include "ingest/types_json.hpp"

namespace deltadrop::ingest {
namespace {

namespace json = boost::json;

Error expected(std::string_view what) { return {ErrorCode::corrupt, "bad-record", std::string(what), ""}; }

/// A codec turns a field's text into an option's value, and the value into JSON and back.
struct Columns {
  using Value = std::vector<std::string>;
  static Result<Value> parse(std::string_view text) {
    return text.empty() ? Result<Value>(Value()) : csv::parse_column_list(text);
  }
  static json::value to_json(const Value& names) {
    json::array array;
    for (const auto& name : names) array.emplace_back(name);
    return array;
  }
  static Result<Value> from_json(const json::value& value) {
    if (!value.is_array()) return expected("an array of strings");
    Value names;
    for (const auto& element : value.get_array()) {
      if (!element.is_string()) return expected("an array of strings");
      names.emplace_back(element.get_string());
    }
    return names;
  }
};

/// The order of the columns has no meaning and must not create a new version.
struct SetOfColumns : Columns {
  static Result<Value> parse(std::string_view text) {
    DD_TRY(auto names, Columns::parse(text));
    std::sort(names.begin(), names.end());
    return names;
  }
};

/// A value with a name; JSON contains the name that the field uses.
template <class T, auto Parse, auto NameOf>
struct Named {
  using Value = T;
  static Result<Value> parse(std::string_view text) { return Parse(text); }
  static json::value to_json(const Value& value) { return json::value(NameOf(value)); }
  static Result<Value> from_json(const json::value& value) {
    if (!value.is_string()) return expected("a string");
    return Parse(std::string_view(value.get_string()));
  }
};

/// Detected from each file unless it is given. "auto" clears the remembered value.
template <class Codec>
struct OrAuto {
  using Value = std::optional<typename Codec::Value>;
  static Result<Value> parse(std::string_view text) {
    if (ascii_lower(text) == "auto") return Value();
    DD_TRY(auto value, Codec::parse(text));
    return Value(std::move(value));
  }
  static json::value to_json(const Value& value) {
    return value ? Codec::to_json(*value) : json::value(nullptr);
  }
  static Result<Value> from_json(const json::value& value) {
    if (value.is_null()) return Value();
    DD_TRY(auto read, Codec::from_json(value));
    return Value(std::move(read));
  }
};

struct Text {
  using Value = std::optional<std::string>;
  static Result<Value> parse(std::string_view text) {
    return text.empty() ? Value() : Value(std::string(text));
  }
  static json::value to_json(const Value& value) {
    return value ? json::value(*value) : json::value(nullptr);
  }
  static Result<Value> from_json(const json::value& value) {
    if (value.is_null()) return Value();
    if (!value.is_string()) return expected("a string, or null");
    return Value(std::string(value.get_string()));
  }
};

/// A number of lines; JSON contains a number.
struct Lines {
  using Value = std::int64_t;
  static Result<Value> parse(std::string_view text) { return csv::parse_skip_footer(text); }
  static json::value to_json(Value lines) { return lines; }
  static Result<Value> from_json(const json::value& value) {
    if (value.is_int64() && value.get_int64() >= 0) return value.get_int64();
    return expected("a whole number from 0");
  }
};

struct LinesAbove {
  using Value = csv::SkipLines;
  static Result<Value> parse(std::string_view text) { return csv::parse_skip_lines(text); }
  static json::value to_json(const Value& skip) {
    return skip.automatic ? json::value("auto") : json::value(skip.lines);
  }
  static Result<Value> from_json(const json::value& value) {
    if (value == json::value("auto")) return Value{true, 0};
    DD_TRY(const auto lines, Lines::from_json(value));
    return Value{false, lines};
  }
};

struct KeyTrim {
  using Value = bool;
  static Result<Value> parse(std::string_view text) { return parse_flag("key_trim", text); }
  static json::value to_json(Value trims) { return trims; }
  static Result<Value> from_json(const json::value& value) {
    if (value.is_bool()) return value.get_bool();
    return expected("true or false");
  }
};

std::string_view header_name(bool has_header) { return has_header ? "first" : "none"; }
std::string_view key_case_name(bool ignores_case) { return ignores_case ? "ignore" : "exact"; }
std::string_view key_unicode_name(bool nfc) { return nfc ? "nfc" : "exact"; }

/// Types are stored as JSON and read as declared types.
Result<void> set_types(std::string types_json, ReadingOptions& into) {
  DD_TRY(into.options.types, declared_types_from_json(types_json));
  into.types_json.reset();
  if (!types_json.empty()) into.types_json = std::move(types_json);
  return success();
}

Result<void> parse_types_field(std::string_view text, ReadingOptions& into) {
  DD_TRY(auto types, parse_types(text));
  return set_types(std::move(types), into);
}

void copy_types(const ReadingOptions& from, ReadingOptions& to) {
  to.types_json = from.types_json;
  to.options.types = from.options.types;
}

json::value types_value(const ReadingOptions& reading) {
  if (!reading.types_json) return nullptr;
  json::object object;
  const auto types = types_from_json(*reading.types_json);
  if (types.has_value()) {
    for (const auto& [column, type] : types.value()) object.emplace(column, type);
  }
  return object;
}

Result<void> types_from_value(const json::value& value, ReadingOptions& into) {
  if (value.is_null()) return set_types("", into);
  const auto types = types_from_json(json::serialize(value));
  if (types.has_value() && !types.value().empty()) return set_types(types_to_json(types.value()), into);
  return expected("an object of strings, or null");
}

using Delimiter = Named<char, csv::parse_delimiter, csv::delimiter_name>;
using EncodingName = Named<csv::Encoding, csv::parse_encoding,
                           static_cast<std::string_view (*)(csv::Encoding)>(csv::to_string)>;
using EmptyName = Named<csv::EmptyPolicy, csv::parse_empty_policy,
                        static_cast<std::string_view (*)(csv::EmptyPolicy)>(csv::to_string)>;

using UnnamedName =
    Named<csv::Unnamed, csv::parse_unnamed, static_cast<std::string_view (*)(csv::Unnamed)>(csv::to_string)>;
using ShortRowsName = Named<csv::ShortRows, csv::parse_short_rows,
                            static_cast<std::string_view (*)(csv::ShortRows)>(csv::to_string)>;
using HeaderName = Named<bool, csv::parse_has_header, header_name>;
using KeyCaseName = Named<bool, csv::parse_key_case, key_case_name>;
using KeyUnicodeName = Named<bool, csv::parse_key_unicode, key_unicode_name>;

/// `Member` is one of ReadingOptions, csv::ReadOptions or csv::KeyRules.
template <auto Member, class Reading>
auto& member_of(Reading& reading) {
  if constexpr (std::is_invocable_v<decltype(Member), Reading&>) {
    return reading.*Member;
  } else if constexpr (std::is_invocable_v<decltype(Member), csv::KeyRules&>) {
    return reading.options.key_rules.*Member;
  } else {
    return reading.options.*Member;
  }
}

struct Traits {
  bool empty_is_none = false;
  bool is_member = false;
};

template <auto Member, class Codec>
constexpr ReadingOption option(std::string_view name, const Traits& traits) {
  return {
      name,
      traits.empty_is_none,
      traits.is_member,
      [](std::string_view text, ReadingOptions& into) -> Result<void> {
        DD_TRY(member_of<Member>(into), Codec::parse(text));
        return success();
      },
      [](const ReadingOptions& from, ReadingOptions& to) { member_of<Member>(to) = member_of<Member>(from); },
      [](const ReadingOptions& reading) { return Codec::to_json(member_of<Member>(reading)); },
      [](const json::value& value, ReadingOptions& into) -> Result<void> {
        DD_TRY(member_of<Member>(into), Codec::from_json(value));
        return success();
      }};
}

using csv::KeyRules;
using csv::ReadOptions;

constexpr auto kOptions = std::to_array<ReadingOption>({
    option<&ReadOptions::key, Columns>("key", {.is_member = true}),
    option<&ReadOptions::ignore, SetOfColumns>("ignore", {.empty_is_none = true, .is_member = true}),
    option<&ReadOptions::delimiter, OrAuto<Delimiter>>("delimiter", {.is_member = true}),
    option<&ReadOptions::encoding, OrAuto<EncodingName>>("encoding", {.is_member = true}),
    option<&ReadOptions::empty, EmptyName>("empty", {.is_member = true}),
    option<&ReadOptions::skip_lines, LinesAbove>("skip_lines", {}),
    option<&ReadOptions::skip_footer, Lines>("skip_footer", {}),
    option<&ReadOptions::footer, SetOfColumns>("footer", {.empty_is_none = true}),
    option<&ReadOptions::has_header, HeaderName>("header", {}),
    option<&ReadOptions::columns, Columns>("columns", {.empty_is_none = true}),
    option<&ReadOptions::unnamed, UnnamedName>("unnamed", {}),
    option<&ReadOptions::short_rows, ShortRowsName>("short_rows", {}),
    option<&KeyRules::trim, KeyTrim>("key_trim", {}),
    option<&KeyRules::ignore_case, KeyCaseName>("key_case", {}),
    option<&KeyRules::nfc, KeyUnicodeName>("key_unicode", {}),
    option<&ReadingOptions::sheet, Text>("sheet", {.empty_is_none = true}),
    {"types", true, true, parse_types_field, copy_types, types_value, types_from_value},
});

}  // namespace

std::span<const ReadingOption> reading_options() { return kOptions; }

std::string options_json(const ReadingOptions& reading) {
  json::object object;
  for (const auto& option : reading_options()) {
    if (option.name != "types") object[option.name] = option.to_json(reading);
  }
  object["rules"] = reading.options.rules;
  return json::serialize(object);
}

std::string dialect_json(const UploadReading& reading) {
  return json::serialize(json::object{{"delimiter", OrAuto<Delimiter>::to_json(reading.options.delimiter)},
                                      {"encoding", OrAuto<EncodingName>::to_json(reading.options.encoding)},
                                      {"skip_lines", reading.options.skip_lines.lines},
                                      {"delimiter_declared", reading.delimiter_declared},
                                      {"trailing_delimiter", reading.trailing_delimiter}});
}

std::string skipped_json(const csv::Skipped& skipped) {
  return json::serialize(json::object{{"blank", skipped.blank},
                                      {"header", skipped.header},
                                      {"lines", skipped.lines},
                                      {"footer", skipped.footer}});
}

}  // namespace deltadrop::ingest
