#include "cli/checks.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <system_error>

#include "core/number.hpp"
#include "core/text.hpp"

namespace deltadrop::cli {

std::string refuse_empty(const std::string& value) {
  return value.empty() ? "the value is empty: give one, or leave the argument out" : "";
}

std::string whole_number(const std::string& value) {
  if (parse_integer<std::int64_t>(value).value_or(0) >= 1) return "";
  return fmt::format("{} will not do: give a whole number from 1 on", quoted_for_message(value));
}

std::string regular_file(const std::string& path) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  const auto name = quoted_for_message(path);
  if (std::filesystem::is_regular_file(status)) return "";
  if (status.type() == std::filesystem::file_type::not_found) return fmt::format("there is no file {}", name);
  if (!std::filesystem::exists(status)) {
    return fmt::format("the file {} cannot be looked at: {}", name, failed.message());
  }
  if (std::filesystem::is_directory(status)) {
    return fmt::format("{} is a folder, not a regular file: name a file in it", name);
  }
  return fmt::format("{} is a pipe or a device, not a regular file: write it to a file first", name);
}

}  // namespace deltadrop::cli
