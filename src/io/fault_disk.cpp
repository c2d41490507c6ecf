#include "io/fault_disk.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace deltadrop::io::faults {
namespace {

namespace fs = std::filesystem;

constexpr off_t kBlock = 4096;

/// Aborts on failure: a test that undoes too little would prove nothing.
void require(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "the fault layer cannot %s: %s\n", what, std::strerror(errno));
  std::abort();
}

struct stat status_of(int descriptor) {
  struct stat status{};
  require(::fstat(descriptor, &status) == 0, "fstat");
  return status;
}

/// Opens the file again, so that neither the offset nor a lock is shared with `descriptor`.
int opened_again(int descriptor, int flags) {
  return ::open(fmt::format("/proc/self/fd/{}", descriptor).c_str(), flags | O_CLOEXEC);
}

fs::path path_of(int descriptor) {
  std::error_code failed;
  auto path = fs::read_symlink(fmt::format("/proc/self/fd/{}", descriptor), failed);
  require(!failed, "read a descriptor's path");
  return path;
}

std::string read_block(int descriptor, off_t block) {
  std::string bytes(static_cast<std::size_t>(kBlock), '\0');
  const auto count = ::pread(descriptor, bytes.data(), bytes.size(), block * kBlock);
  require(count >= 0, "read the bytes that a write replaces");
  bytes.resize(static_cast<std::size_t>(count));
  return bytes;
}

void remove_name(int folder, const std::string& name) {
  if (::unlinkat(folder, name.c_str(), 0) == 0) return;
  require(errno == EISDIR || errno == EPERM, "remove a name");
  fs::remove_all(path_of(folder) / name);
}

}  // namespace

fs::path Disk::grave_of(const Id& id) const { return graveyard_ / fmt::format("{}-{}", id.first, id.second); }

Disk::Node* Disk::node_of(int descriptor) {
  const auto status = status_of(descriptor);
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return nullptr;
  auto& node = nodes_[Id(status.st_dev, status.st_ino)];
  if (node.descriptor < 0) {
    node.descriptor = opened_again(descriptor, O_RDONLY);
    require(node.descriptor >= 0, "open a file a second time");
    node.is_folder = S_ISDIR(status.st_mode);
  }
  return &node;
}

Disk::Node* Disk::node_at(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return nullptr;
  auto* node = node_of(descriptor);
  ::close(descriptor);
  return node;
}

void Disk::begin_change(Node& node) {
  if (node.changed) return;
  const auto status = status_of(node.descriptor);
  node.changed = true;
  node.size = status.st_size;
  node.mode = status.st_mode & 07777;
  node.time = status.st_mtim;
}

void Disk::before_write(int descriptor, off_t begin, off_t end) {
  auto* node = node_of(descriptor);
  if (node == nullptr) return;
  begin_change(*node);
  end = std::min(end, node->size);
  for (off_t block = begin / kBlock; block * kBlock < end; ++block) {
    if (!node->blocks.contains(block)) node->blocks.emplace(block, read_block(node->descriptor, block));
  }
}

void Disk::before_cut(int descriptor, off_t size) {
  before_write(descriptor, size, status_of(descriptor).st_size);
}

void Disk::before_metadata(int descriptor) {
  if (auto* node = node_of(descriptor)) begin_change(*node);
}

void Disk::before_name(const fs::path& path) {
  auto* folder = node_at(path.parent_path());
  if (folder == nullptr) return;
  const auto name = path.filename().string();
  if (folder->names.contains(name)) return;
  struct stat status{};
  if (::fstatat(folder->descriptor, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    folder->names.emplace(name, std::nullopt);
    return;
  }
  const Id id(status.st_dev, status.st_ino);
  folder->names.emplace(name, id);
  require(node_at(path) != nullptr, "open a file that loses its name");
  if (!S_ISREG(status.st_mode)) return;
  std::error_code ignored;
  fs::create_directory(graveyard_, ignored);
  require(
      ::linkat(folder->descriptor, name.c_str(), AT_FDCWD, grave_of(id).c_str(), 0) == 0 || errno == EEXIST,
      "keep a file that loses its name");
}

void Disk::synced(int descriptor) {
  auto* node = node_of(descriptor);
  if (node == nullptr) return;
  node->changed = false;
  node->blocks.clear();
  node->names.clear();
}

void Disk::synced_all() {
  for (auto& [id, node] : nodes_) {
    node.changed = false;
    node.blocks.clear();
    node.names.clear();
  }
}

void Disk::restore_bytes(Node& node, bool names_survive) {
  const auto now = status_of(node.descriptor);
  require(::fchmod(node.descriptor, 0600) == 0, "make a file writable");
  const int file = opened_again(node.descriptor, O_RDWR);
  require(file >= 0, "open a file to undo what was written");
  for (const auto& [block, bytes] : node.blocks) {
    require(::pwrite(file, bytes.data(), bytes.size(), block * kBlock) == static_cast<ssize_t>(bytes.size()),
            "undo a write");
  }
  require(::ftruncate(file, node.size) == 0, "cut a file");
  // The journal kept the new size. The added blocks were never written and read as zeros.
  if (names_survive && now.st_size > node.size) require(::ftruncate(file, now.st_size) == 0, "extend a file");
  const auto mode = names_survive ? now.st_mode & 07777 : node.mode;
  const auto time = names_survive ? now.st_mtim : node.time;
  const timespec times[2] = {time, time};
  require(::futimens(file, times) == 0 && ::fchmod(file, mode) == 0, "undo a change of mode or times");
  ::close(file);
}

void Disk::restore_name(const Node& folder, const std::string& name, const Id& id) {
  const auto& node = nodes_.at(id);
  if (!node.is_folder) {
    require(::linkat(AT_FDCWD, grave_of(id).c_str(), folder.descriptor, name.c_str(), 0) == 0,
            "undo a removal");
    return;
  }
  const auto from = path_of(node.descriptor);
  require(::renameat(AT_FDCWD, from.c_str(), folder.descriptor, name.c_str()) == 0, "undo a folder's move");
}

void Disk::restore_names(Node& folder) {
  // Skip a directory that is already removed because its own name was not durable.
  if (status_of(folder.descriptor).st_nlink == 0) return;
  for (const auto& [name, durable] : folder.names) {
    struct stat status{};
    const bool is_there = ::fstatat(folder.descriptor, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_there && durable == Id(status.st_dev, status.st_ino)) continue;
    if (is_there) remove_name(folder.descriptor, name);
    if (durable) restore_name(folder, name, *durable);
  }
}

void Disk::lose_power(bool names_survive) {
  for (auto& [id, node] : nodes_) {
    if (!node.is_folder && node.changed) restore_bytes(node, names_survive);
  }
  if (!names_survive) {
    for (auto& [id, node] : nodes_) {
      if (node.is_folder) restore_names(node);
    }
  }
  std::error_code ignored;
  fs::remove_all(graveyard_, ignored);
}

}  // namespace deltadrop::io::faults
