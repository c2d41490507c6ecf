#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>

namespace deltadrop::testing {

/// A script of tests/support that runs a server and reads commands from its standard input. The destructor
/// ends it. If a step fails, prints the script's message and ends the test program.
class ServerScript {
 public:
  explicit ServerScript(const std::string& name);
  ~ServerScript();
  ServerScript(const ServerScript&) = delete;
  ServerScript& operator=(const ServerScript&) = delete;

  /// Returns the script's answer after "ok ".
  std::string command(const std::string& name);

 private:
  std::string name_;
  pid_t pid_ = -1;
  int socket_ = -1;
  std::FILE* answers_ = nullptr;
};

}  // namespace deltadrop::testing
