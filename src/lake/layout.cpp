#include "lake/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>

#include "io/sha256.hpp"

namespace deltadrop::lake {
namespace {

constexpr std::size_t kHashDigits = 8;
constexpr std::size_t kSecondLength = 14;  // YYYYMMDDHHMMSS

bool is_plain(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

/// A collision of two names only adds an unnecessary `~<seq>`.
std::uint64_t digest_of(std::string_view file_name) {
  const auto hash = io::sha256_of(ascii_lower(file_name));
  std::uint64_t digest = 0;
  std::memcpy(&digest, hash.bytes.data(), sizeof digest);
  return digest;
}

/// The parts that all file names have.
struct NameParts {
  ChangeType type;
  std::string_view second;
  std::string_view rest;  ///< starts at the '_' before the key
};

std::optional<NameParts> parts_of(std::string_view name) {
  if (!name.ends_with(kFileEnding)) return std::nullopt;
  name.remove_suffix(kFileEnding.size());
  const auto end = std::min(name.find('_'), name.size());
  const auto type = parse_change_type(name.substr(0, end));
  if (!type || end == name.size()) return std::nullopt;
  name.remove_prefix(end + 1);
  const auto second = name.substr(0, kSecondLength);
  const auto rest = name.substr(second.size());
  if (second.size() != kSecondLength || !all_digits(second) || !rest.starts_with('_')) return std::nullopt;
  return NameParts{*type, second, rest};
}

std::optional<Version> parse_version(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!all_digits(text) || text.starts_with('0') || error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return Version(number);
}

}  // namespace

std::filesystem::path table_folder(const std::filesystem::path& root, const TableRef& table) {
  return root / table.company_id / table.table_name;
}

std::string key_part(std::string_view key) {
  std::string out;
  std::size_t whole = 0;  // bytes that fit without cutting a %XX
  for (std::size_t i = 0; i < key.size() && out.size() <= kKeyPartMax; ++i) {
    const char c = key[i];
    if (is_plain(c) && !(c == '.' && i == 0)) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
    if (out.size() <= kKeyPartMax) whole = out.size();
  }
  if (out.size() <= kKeyPartMax) return out;
  out.resize(whole);
  return out + "~" + io::sha256_of(key).to_hex().substr(0, kHashDigits);
}

std::string temporary_name(std::string_view file_name) {
  file_name.remove_suffix(kFileEnding.size());
  return std::string(kTemporaryPrefix).append(file_name);
}

std::string final_name(std::string_view temporary_name) {
  temporary_name.remove_prefix(kTemporaryPrefix.size());
  return std::string(temporary_name).append(kFileEnding);
}

std::string upload_mark(const UploadFacts& upload, bool same_second) {
  auto mark = upload.timestamp.compact_seconds();
  if (same_second) mark += fmt::format("~v{}", upload.version.value);
  return mark;
}

std::optional<std::string> upload_mark(std::string_view file_name) {
  const auto parts = parts_of(file_name);
  if (!parts) return std::nullopt;
  // A `~` of the key is written as %7E, and no hash begins with v.
  const auto at = parts->rest.find("~v");
  if (at == std::string_view::npos) return std::string(parts->second);
  const auto version = parts->rest.substr(at + 2, parts->rest.find('~', at + 2) - (at + 2));
  if (!all_digits(version)) return std::nullopt;
  return fmt::format("{}~v{}", parts->second, version);
}

std::string_view second_of(std::string_view mark) { return mark.substr(0, kSecondLength); }

std::string CompactedFile::name(const UploadFacts& first, std::string_view first_key) const {
  return fmt::format("{}_{}_{}~v{}-{}{}", to_string(type), first.timestamp.compact_seconds(),
                     key_part(first_key), versions.first.value, versions.last.value, kFileEnding);
}

std::optional<CompactedFile> CompactedFile::of_name(std::string_view file_name) {
  const auto parts = parts_of(file_name);
  if (!parts) return std::nullopt;
  const auto at = parts->rest.rfind("~v");
  if (at == std::string_view::npos) return std::nullopt;
  const auto range = parts->rest.substr(at + 2);
  const auto dash = std::min(range.find('-'), range.size());
  const auto first = parse_version(range.substr(0, dash));
  const auto last = parse_version(range.substr(std::min(dash + 1, range.size())));
  if (!first || !last || *first > *last) return std::nullopt;
  return CompactedFile{parts->type, {*first, *last}};
}

FileNames::FileNames(const UploadFacts& upload, bool same_second)
    : mark_(upload_mark(upload, same_second)), second_length_(upload_mark(upload, false).size()) {}

std::string FileNames::take(ChangeType type, std::string_view first_key, Seq first_seq) {
  const auto mark = std::string_view(mark_);
  auto stem = fmt::format("{}_{}_{}{}", to_string(type), mark.substr(0, second_length_), key_part(first_key),
                          mark.substr(second_length_));
  while (!taken_.insert(digest_of(stem + std::string(kFileEnding))).second) {
    stem += fmt::format("~{}", first_seq.value);
  }
  return stem + std::string(kFileEnding);
}

bool FileNames::taken(std::string_view file_name) const { return taken_.contains(digest_of(file_name)); }

}  // namespace deltadrop::lake
