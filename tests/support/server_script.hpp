#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>

namespace deltadrop::testing {

/// A script of tests/support that runs a server and takes commands on its standard input; it ends with this.
/// A step that fails ends the test program with the script's words.
class ServerScript {
 public:
  explicit ServerScript(const std::string& name);
  ~ServerScript();
  ServerScript(const ServerScript&) = delete;
  ServerScript& operator=(const ServerScript&) = delete;

  /// What the script answers behind "ok ".
  std::string command(const std::string& name);

 private:
  std::string name_;
  pid_t pid_ = -1;
  int socket_ = -1;
  std::FILE* answers_ = nullptr;
};

}  // namespace deltadrop::testing
