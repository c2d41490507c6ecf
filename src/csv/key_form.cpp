#include "csv/key_form.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <iterator>
#include <memory>

#include "core/text.hpp"

namespace deltadrop::csv {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_ascii_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Returns true for Unicode's White_Space and for zero-width characters, which are ignored.
bool is_blank(utf8proc_int32_t c) {
  if (c < 0x80) return is_ascii_blank(static_cast<char>(c));
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return true;
    default:
      return c == 0x85 || c == 0x200B || c == 0x2060 || c == 0xFEFF;
  }
}

struct Character {
  utf8proc_int32_t code = -1;
  std::size_t bytes = 0;
};

/// Returns the first character of `text`, which is valid UTF-8 and not empty.
Character first_of(std::string_view text) {
  Character character;
  const auto read = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),  // NOLINT
                                     static_cast<utf8proc_ssize_t>(text.size()), &character.code);
  character.bytes = static_cast<std::size_t>(std::max<utf8proc_ssize_t>(read, 1));
  return character;
}

void append(std::string& out, utf8proc_int32_t code) {
  utf8proc_uint8_t bytes[4];  // NOLINT(modernize-avoid-c-arrays): the library's signature
  const auto count = utf8proc_encode_char(code, bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));  // NOLINT
}

std::string encoded(utf8proc_int32_t code) {
  std::string out;
  append(out, code);
  return out;
}

/// Calls `use` with each character of `text`, which is valid UTF-8.
template <class Use>
void for_each_character(std::string_view text, const Use& use) {
  while (!text.empty()) {
    const auto character = first_of(text);
    use(character);
    text.remove_prefix(character.bytes);
  }
}

std::string_view trimmed(std::string_view text) {
  std::size_t begin = text.size();
  std::size_t end = 0;
  std::size_t at = 0;
  for_each_character(text, [&](const Character& character) {
    if (!is_blank(character.code)) {
      begin = std::min(begin, at);
      end = at + character.bytes;
    }
    at += character.bytes;
  });
  return begin < end ? text.substr(begin, end - begin) : std::string_view();
}

/// Maps `text` with utf8proc. Returns it unchanged if the library fails, which it does only for invalid text
/// or without memory.
std::string mapped(std::string_view text, int options) {
  utf8proc_uint8_t* result = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),  // NOLINT
                                 static_cast<utf8proc_ssize_t>(text.size()), &result,
                                 static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(result, std::free);
  if (size < 0) return std::string(text);
  return {reinterpret_cast<const char*>(result), static_cast<std::size_t>(size)};  // NOLINT
}

/// Replaces each character of folded text with its capital if the capital folds back to it. Different folded
/// texts thus keep different forms.
std::string in_capitals(std::string_view folded) {
  std::string out;
  for_each_character(folded, [&](const Character& character) {
    const auto capital = utf8proc_toupper(character.code);
    const bool reversible =
        mapped(encoded(capital), UTF8PROC_STABLE | UTF8PROC_CASEFOLD) == encoded(character.code);
    append(out, reversible ? capital : character.code);
  });
  return out;
}

/// Implements Unicode's canonical caseless matching if both rules apply. The text is decomposed before
/// folding, because a combining iota folds to a letter and must be in canonical order first.
std::string form_of(std::string_view key, const KeyRules& rules) {
  std::string form(key);
  if (rules.ignore_case) {
    if (rules.nfc) form = mapped(form, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
    const int compose = rules.nfc ? UTF8PROC_COMPOSE : 0;
    form = in_capitals(mapped(form, UTF8PROC_STABLE | UTF8PROC_CASEFOLD | compose));
  }
  if (rules.nfc) form = mapped(form, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  return form;
}

}  // namespace

void write_key_form(std::string& out, std::string_view key, const KeyRules& rules) {
  out.clear();
  if (is_ascii(key)) {
    if (rules.trim) {
      while (!key.empty() && is_ascii_blank(key.front())) key.remove_prefix(1);
      while (!key.empty() && is_ascii_blank(key.back())) key.remove_suffix(1);
    }
    out = key;
    if (rules.ignore_case) {
      for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return;
  }
  if (find_invalid_utf8(key) != std::string_view::npos) {
    out = key;
    return;
  }
  out = form_of(rules.trim ? trimmed(key) : key, rules);
}

void write_look_alike_form(std::string& out, std::string_view key) {
  std::string dense;
  if (is_ascii(key)) {
    std::remove_copy_if(key.begin(), key.end(), std::back_inserter(dense), is_ascii_blank);
  } else if (find_invalid_utf8(key) == std::string_view::npos) {
    for_each_character(key, [&](const Character& character) {
      if (!is_blank(character.code)) append(dense, character.code);
    });
  } else {
    dense = key;
  }
  write_key_form(out, dense, KeyRules{.trim = false, .ignore_case = true, .nfc = true});
}

}  // namespace deltadrop::csv
