#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace deltadrop::io::faults {

/// Records what a power failure would undo: the bytes that writes replace and the names that directories
/// lose, until a sync makes the new ones durable. The model is the minimum that POSIX promises:
/// until a sync makes the new ones durable. The model is the least that POSIX promises:
///
/// - a file's bytes, size, mode and times are durable after fsync or fdatasync of the file;
/// - a created, renamed or removed name is durable after fsync of its directory, and of no other;
/// - everything is durable after syncfs.
///
/// Not thread-safe: the caller holds one lock during each call and the change that it announces.
class Disk {
 public:
  /// `graveyard` is a directory on the same file system. It keeps files that have lost their last name.
  explicit Disk(std::filesystem::path graveyard) : graveyard_(std::move(graveyard)) {}

  /// Call before the bytes from `begin` to `end` change or are cut off.
  void before_write(int descriptor, off_t begin, off_t end);
  /// Call before the file is truncated to `size`.
  void before_cut(int descriptor, off_t size);
  /// Call before the file's mode or times change.
  void before_metadata(int descriptor);
  /// Call before `path` is created, removed or replaced.
  void before_name(const std::filesystem::path& path);

  /// Call after a successful fsync or fdatasync of a file or a directory.
  void synced(int descriptor);
  void synced_all();

  /// Undoes everything that is not durable. With `names_survive`, all names stay and only bytes are lost, as
  /// on a disk that wrote its journal of names first: files keep their size, and read as zeros where nothing
  /// was written before.
  void lose_power(bool names_survive);

 private:
  using Id = std::pair<dev_t, ino_t>;

  /// A file or directory that a call touched. Its descriptor stays open to the end, so that the system cannot
  /// reuse the inode number.
  struct Node {
    int descriptor = -1;
    bool is_folder = false;
    bool changed = false;  ///< changed since the last sync; if so, the next four members are the synced state
    off_t size = 0;
    mode_t mode = 0;
    timespec time{};
    std::map<off_t, std::string> blocks;  ///< the original bytes of changed blocks, by block number
    std::map<std::string, std::optional<Id>> names;  ///< of a directory: the durable targets
  };

  Node* node_of(int descriptor);
  Node* node_at(const std::filesystem::path& path);
  static void begin_change(Node& node);
  static void restore_bytes(Node& node, bool names_survive);
  void restore_names(Node& folder);
  void restore_name(const Node& folder, const std::string& name, const Id& id);
  [[nodiscard]] std::filesystem::path grave_of(const Id& id) const;

  std::filesystem::path graveyard_;
  std::map<Id, Node> nodes_;
};

}  // namespace deltadrop::io::faults
