#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace deltadrop::io::faults {

/// What a power failure would undo: copies of what writes replace, and of the names that folders lose, kept
/// until a sync makes the new ones durable. The model is the least that POSIX promises:
///
/// - a file's bytes, size, mode and times are durable after fsync or fdatasync of the file;
/// - a name in a folder (made, moved or removed) is durable after fsync of that folder, and of no other;
/// - everything is durable after syncfs.
///
/// Not thread-safe: one lock is held around each call and the change that it announces.
class Disk {
 public:
  /// `graveyard`: a folder on the same file system for files that have lost their last name.
  explicit Disk(std::filesystem::path graveyard) : graveyard_(std::move(graveyard)) {}

  /// The bytes from `begin` to `end` are about to change, or to be cut.
  void before_write(int descriptor, off_t begin, off_t end);
  /// As before_write to the end of the file.
  void before_cut(int descriptor, off_t size);
  /// Its mode or its times are about to change.
  void before_metadata(int descriptor);
  /// The folder of `path` is about to gain, lose or change that name.
  void before_name(const std::filesystem::path& path);

  /// fsync or fdatasync of a file or a folder succeeded.
  void synced(int descriptor);
  void synced_all();

  /// Undoes what is not durable. With `names_survive` all names stay and only bytes are lost, as on a disk
  /// that wrote its journal of names first: files keep their size and have zeros where nothing was written
  /// before.
  void lose_power(bool names_survive);

 private:
  using Id = std::pair<dev_t, ino_t>;

  /// A file or folder that was seen. Its descriptor stays open to the end: the system may not give its number
  /// to another one.
  struct Node {
    int descriptor = -1;
    bool is_folder = false;
    bool changed = false;  ///< since it was synced; then the next four are as they were
    off_t size = 0;
    mode_t mode = 0;
    timespec time{};
    std::map<off_t, std::string> blocks;             ///< by number, those that were written to
    std::map<std::string, std::optional<Id>> names;  ///< of a folder: the durable ones of those that changed
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
