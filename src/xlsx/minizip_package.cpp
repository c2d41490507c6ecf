#include "xlsx/minizip_package.hpp"

#include <fmt/format.h>
#include <minizip/unzip.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/exhausted.hpp"
#include "core/text.hpp"

namespace deltadrop::xlsx {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{64} << 10;
/// The maximum length of a part's name. Entries with longer names are ignored, because no part that is read
/// has one.
constexpr std::size_t kNameBytesMax = 1024;
constexpr unsigned kEncrypted = 1;  // bit 0 of an entry's flags
constexpr int kStored = 0;
constexpr int kDeflated = 8;

struct CloseZip {
  void operator()(void* zip) const { unzClose(zip); }
};

/// The open entry. The destructor closes it without checking its checksum.
class OpenEntry {
 public:
  explicit OpenEntry(unzFile zip) : zip_(zip) {}
  OpenEntry(const OpenEntry&) = delete;
  OpenEntry& operator=(const OpenEntry&) = delete;
  ~OpenEntry() {
    if (zip_ != nullptr) unzCloseCurrentFile(zip_);
  }

  /// Closes the entry. Returns false if it was read completely and the checksum is wrong.
  bool close() { return unzCloseCurrentFile(std::exchange(zip_, nullptr)) == UNZ_OK; }

 private:
  unzFile zip_;
};

/// Normalizes the name of a part. Some programs write "\" for "/", or a leading "/".
std::string key_of(std::string_view part) {
  std::string key(part.substr(std::min(part.find_first_not_of("/\\"), part.size())));
  for (char& c : key) {
    if (c == '\\') c = '/';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return key;
}

class MinizipPackage final : public Package {
 public:
  MinizipPackage(unzFile zip, std::uint64_t file_bytes, const Limits& limits, const Stop& stop)
      : zip_(zip), file_bytes_(file_bytes), limits_(limits), stop_(stop), block_(kBlockBytes) {}

  Result<void> list() {
    std::size_t entries = 0;
    int code = unzGoToFirstFile(zip_.get());
    for (; code == UNZ_OK; code = unzGoToNextFile(zip_.get())) {
      if (++entries > limits_.entries_max) {
        return too_large(fmt::format("its zip file has more than {} entries", limits_.entries_max));
      }
      DD_TRY(list_one());
      DD_TRY(stop_.check());
    }
    if (code != UNZ_END_OF_LIST_OF_FILE) return damaged("the directory of its zip file is not readable");
    return success();
  }

  [[nodiscard]] bool has(std::string_view part) const override { return entries_.contains(key_of(part)); }

  Result<void> read(std::string_view part,
                    const std::function<Result<void>(std::string_view)>& sink) override {
    DD_TRY(const auto size, open_part(part));
    OpenEntry entry(zip_.get());
    std::uint64_t total = 0;
    for (;;) {
      DD_TRY(stop_.check());
      const int count = unzReadCurrentFile(zip_.get(), block_.data(), static_cast<unsigned>(block_.size()));
      if (count < 0) return damaged(fmt::format("{} does not expand after {} bytes", part, total));
      if (count == 0) break;
      total += static_cast<std::uint64_t>(count);
      DD_TRY(count_bytes(part, static_cast<std::uint64_t>(count)));
      DD_TRY(sink(std::string_view(block_.data(), static_cast<std::size_t>(count))));
    }
    if (total != size) {
      return damaged(
          fmt::format("{} expands to {} bytes, not to {} as the zip file states", part, total, size));
    }
    if (!entry.close()) return damaged(fmt::format("{} has a wrong checksum", part));
    return success();
  }

  [[nodiscard]] std::uint64_t expanded_bytes() const override { return expanded_bytes_; }
  void count_again_from(std::uint64_t bytes) override { expanded_bytes_ = bytes; }

 private:
  Result<void> list_one() {
    unz_file_info64 info{};
    std::array<char, kNameBytesMax> name{};
    if (unzGetCurrentFileInfo64(zip_.get(), &info, name.data(), name.size(), nullptr, 0, nullptr, 0) !=
        UNZ_OK) {
      return damaged("the directory of its zip file is not readable");
    }
    if (info.size_filename > name.size()) return success();
    const std::string_view written(name.data(), info.size_filename);
    unz64_file_pos position{};
    if (unzGetFilePos64(zip_.get(), &position) != UNZ_OK) {
      return damaged("the directory of its zip file is not readable");
    }
    if (!entries_.emplace(key_of(written), position).second) {
      return damaged(fmt::format("its zip file has two entries named {}", quoted_for_message(written)));
    }
    return success();
  }

  /// Returns the size that the zip file states.
  Result<std::uint64_t> open_part(std::string_view part) {
    const auto found = entries_.find(key_of(part));
    if (found == entries_.end()) {
      return damaged(fmt::format("its zip file lacks the part {}", quoted_for_message(part)));
    }
    unz_file_info64 info{};
    if (unzGoToFilePos64(zip_.get(), &found->second) != UNZ_OK ||
        unzGetCurrentFileInfo64(zip_.get(), &info, nullptr, 0, nullptr, 0, nullptr, 0) != UNZ_OK) {
      return damaged(fmt::format("the directory of its zip file is not readable at {}", part));
    }
    if ((info.flag & kEncrypted) != 0) {
      return Error{ErrorCode::invalid_input, "workbook-encrypted",
                   fmt::format("the part {} of the workbook is encrypted", part),
                   "save the workbook without a password and send that file"};
    }
    if (info.compression_method != kStored && info.compression_method != kDeflated) {
      return damaged(fmt::format("{} is compressed by method {}; only deflate, 8, is allowed", part,
                                 info.compression_method));
    }
    const int code = unzOpenCurrentFile(zip_.get());
    if (code == UNZ_INTERNALERROR) return out_of_memory();
    if (code != UNZ_OK) return damaged(fmt::format("the zip file's two headers of {} differ", part));
    return info.uncompressed_size;
  }

  Result<void> count_bytes(std::string_view part, std::uint64_t count) {
    expanded_bytes_ += count;
    if (expanded_bytes_ > limits_.expanded_bytes_max) {
      return too_large(
          fmt::format("at {}, its parts expand to more than {} bytes", part, limits_.expanded_bytes_max));
    }
    if (expanded_bytes_ > limits_.ratio_checked_from_bytes &&
        expanded_bytes_ / limits_.ratio_max > file_bytes_) {
      return too_large(
          fmt::format("at {}, its {} bytes expand to more than {} times as many, as in a zip bomb", part,
                      file_bytes_, limits_.ratio_max));
    }
    return success();
  }

  std::unique_ptr<void, CloseZip> zip_;
  std::uint64_t file_bytes_;
  const Limits& limits_;
  Stop stop_;
  std::vector<char> block_;
  std::unordered_map<std::string, unz64_file_pos> entries_;
  std::uint64_t expanded_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<Package>> Package::open(const std::filesystem::path& path, const Limits& limits,
                                               const Stop& stop) {
  std::error_code failed;
  const std::uint64_t bytes = std::filesystem::file_size(path, failed);
  const unzFile zip = failed ? nullptr : unzOpen64(path.c_str());
  if (zip == nullptr) return damaged("it starts like a zip file, but the directory at the end is missing");
  auto package = std::make_unique<MinizipPackage>(zip, bytes, limits, stop);
  DD_TRY(package->list());
  return Result<std::unique_ptr<Package>>(std::move(package));
}

}  // namespace deltadrop::xlsx
