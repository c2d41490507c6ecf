#include <libpq-fe.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "core/text.hpp"
#include "history/postgres_connection.hpp"

namespace deltadrop::history::postgres {
namespace {

/// Removes the space that PostgreSQL writes after each comma and colon of a jsonb.
std::string without_blanks(std::string_view json) {
  std::string compact(json.size(), '\0');
  std::size_t length = 0;
  // This fails only for text that ends inside a string, and a jsonb never does.
  const auto failure = simdjson::minify(json.data(), json.size(), compact.data(), length);
  compact.resize(failure == simdjson::SUCCESS ? length : 0);
  return compact;
}

std::int64_t number_of(std::string_view digits) {
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// Decodes the character after a backslash in COPY's text format.
char unescaped(char c) {
  constexpr std::string_view kLetters = "bfnrtv";
  constexpr std::string_view kControls = "\b\f\n\r\t\v";
  const std::size_t place = kLetters.find(c);
  return place == std::string_view::npos ? c : kControls[place];
}

/// Appends a field of COPY's text format, decoded. NULL appends nothing.
void append_unescaped(std::string& out, std::string_view field) {
  if (field == "\\N") return;
  for (std::size_t at = 0; (at = field.find('\\')) < field.size();) {
    out += field.substr(0, at);
    out += unescaped(field[at + 1]);
    field.remove_prefix(at + 2);
  }
  out += field;
}

int hex_digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

}  // namespace

std::string_view Row::text_at(int column) const {
  return {PQgetvalue(result_, row_, column), static_cast<std::size_t>(PQgetlength(result_, row_, column))};
}

bool Row::skip_null() {
  if (PQgetisnull(result_, row_, column_) == 0) return false;
  ++column_;
  return true;
}

std::int64_t Row::number() { return number_of(text()); }

std::optional<std::string> Row::optional_text() {
  if (skip_null()) return std::nullopt;
  return std::string(text());
}

std::optional<std::int64_t> Row::optional_number() {
  if (skip_null()) return std::nullopt;
  return number();
}

std::string Row::json() { return without_blanks(text()); }

std::string Row::bytes() {
  std::string_view hex = text();
  if (hex.starts_with("\\x")) hex.remove_prefix(2);
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(hex_digit(hex[i]) * 16 + hex_digit(hex[i + 1]));
  }
  return bytes;
}

Result<Timestamp> Row::time() { return parse_time(text()); }

Result<std::optional<Timestamp>> Row::optional_time() {
  if (skip_null()) return std::optional<Timestamp>();
  DD_TRY(const auto found, time());
  return std::optional(found);
}

void CopyRow::read(std::string_view line) {
  text_.clear();
  ends_.clear();
  column_ = 0;
  // COPY writes a backslash before a tab or a backslash of a value.
  const bool escapes = line.find('\\') != std::string_view::npos;
  for (bool last = false; !last;) {
    const std::size_t end = std::min(line.find('\t'), line.size());
    last = end == line.size();
    if (escapes) {
      append_unescaped(text_, line.substr(0, end));
    } else {
      text_ += line.substr(0, end);
    }
    ends_.push_back(text_.size());
    line.remove_prefix(last ? end : end + 1);
  }
}

std::string_view CopyRow::text() {
  const std::size_t begin = column_ == 0 ? 0 : ends_[column_ - 1];
  const std::size_t end = ends_[column_++];
  return std::string_view(text_).substr(begin, end - begin);
}

std::int64_t CopyRow::number() { return number_of(text()); }

std::string CopyRow::json() { return without_blanks(text()); }

void append_copy_field(std::string& line, std::string_view text) {
  const auto is_escaped = [](char c) { return c == '\\' || c == '\n' || c == '\r' || c == '\t'; };
  // Append runs of characters without escapes at once; most texts need no escape.
  while (true) {
    std::size_t plain = 0;
    while (plain < text.size() && !is_escaped(text[plain])) ++plain;
    line.append(text, 0, plain);
    if (plain == text.size()) return;
    const char c = text[plain];
    line += '\\';
    line += c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : '\\';
    text.remove_prefix(plain + 1);
  }
}

std::string time_text(Timestamp time) {
  std::string text = time.to_string();
  if (!text.starts_with("0000-")) return text;
  return "0001" + text.substr(4) + " BC";
}

Result<Timestamp> parse_time(std::string_view text) {
  std::string rfc3339(text);
  if (rfc3339.ends_with(" BC")) rfc3339 = "0000" + rfc3339.substr(4, rfc3339.size() - 7);
  if (rfc3339.ends_with("+00")) rfc3339.replace(rfc3339.size() - 3, 3, "Z");
  return Timestamp::parse(rfc3339);
}

std::string storable_text(std::string_view text) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  std::string stored;
  while (!text.empty()) {
    std::size_t length = text.front() == '\0' ? 0 : utf8_character_length(text);
    if (length == 0) {
      const auto byte = static_cast<std::uint8_t>(text.front());
      stored += "\\x";
      stored += kHexDigits[byte >> 4];
      stored += kHexDigits[byte & 15];
      length = 1;
    } else {
      stored.append(text, 0, length);
    }
    text.remove_prefix(length);
  }
  return stored;
}

std::string array_of(const std::vector<std::string>& elements) {
  std::string array = "{";
  for (const auto& element : elements) {
    if (array.size() > 1) array += ',';
    array += element;
  }
  return array + "}";
}

}  // namespace deltadrop::history::postgres
