#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>

namespace deltadrop::testing {

/// A script of tests/support that runs a server and accepts commands on its standard input. It ends with this
/// object. A failed command ends the test program with the script's message.
class ServerScript {
 public:
  explicit ServerScript(const std::string& name);
  ~ServerScript();
  ServerScript(const ServerScript&) = delete;
  ServerScript& operator=(const ServerScript&) = delete;

  /// Runs a command and returns the script's response after "ok ".
  std::string command(const std::string& name);

 private:
  std::string name_;
  pid_t pid_ = -1;
  int socket_ = -1;
  std::FILE* answers_ = nullptr;
};

}  // namespace deltadrop::testing
