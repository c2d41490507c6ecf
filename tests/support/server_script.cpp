#include "support/server_script.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace deltadrop::testing {
namespace {

[[noreturn]] void give_up(const std::string& reason) {
  fmt::print(stderr, "{}\n", reason);
  std::abort();
}

}  // namespace

ServerScript::ServerScript(const std::string& name) : name_(name) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    give_up("no socket for " + name);
  const std::string script = std::string(DELTADROP_SOURCE_DIR) + "/tests/support/" + name;
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(ends[1], STDIN_FILENO);
    ::dup2(ends[1], STDOUT_FILENO);
    ::execl("/usr/bin/python3", "python3", script.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  socket_ = ends[0];
  answers_ = ::fdopen(::dup(socket_), "r");
}

ServerScript::~ServerScript() {
  ::shutdown(socket_, SHUT_RDWR);  // the script's input ends, so it ends the server and exits
  ::waitpid(pid_, nullptr, 0);
  std::fclose(answers_);
  ::close(socket_);
}

std::string ServerScript::command(const std::string& name) {
  const std::string line = name + "\n";
  std::array<char, 4096> answer{};
  if (::write(socket_, line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      std::fgets(answer.data(), answer.size(), answers_) == nullptr) {
    give_up(name_ + " has ended; run tools/bootstrap.sh test");
  }
  const std::string said = answer.data();
  if (said.rfind("ok ", 0) != 0) give_up(name_ + ": " + name + ": " + said);
  return said.substr(3, said.find('\n') - 3);
}

}  // namespace deltadrop::testing
