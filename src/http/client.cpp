#include "http/client.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace deltadrop::http {
namespace {

constexpr timeval kPatience{60, 0};

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Error no_answer(const std::string& address, std::string_view reason) {
  return {ErrorCode::unavailable, "no-answer",
          fmt::format("the server at {} does not answer: {}", address, reason),
          "look whether it still runs, then try again"};
}

int connect_to(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return -1;
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found) != 0) return -1;
  const int descriptor = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor >= 0) {
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  }
  const bool connected = descriptor >= 0 && ::connect(descriptor, found->ai_addr, found->ai_addrlen) == 0;
  ::freeaddrinfo(found);
  if (connected) return descriptor;
  if (descriptor >= 0) ::close(descriptor);
  return -1;
}

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* tls) const { SSL_free(tls); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* file) const { BIO_free_all(file); }
};

/// A socket's bytes, plain or under TLS.
class Line {
 public:
  explicit Line(int descriptor) : descriptor_(descriptor) {}

  /// Says why not, or "".
  std::string begin_tls(const std::string& certificate) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (context_ == nullptr) return "TLS cannot be used";
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    tls_.reset(SSL_new(context_.get()));
    if (tls_ == nullptr || SSL_set_fd(tls_.get(), descriptor_) != 1 || SSL_connect(tls_.get()) != 1) {
      return "it does not speak TLS";
    }
    // It is on this machine and its certificate is a file here: no authority knows better, and names say
    // nothing.
    const std::unique_ptr<BIO, FreeTls> file(BIO_new_file(certificate.c_str(), "r"));
    const std::unique_ptr<X509, FreeTls> expected(
        file == nullptr ? nullptr : PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
    const std::unique_ptr<X509, FreeTls> shown(SSL_get1_peer_certificate(tls_.get()));
    if (expected == nullptr) return "TLS_CERT is not its certificate's file";
    if (shown == nullptr || X509_cmp(expected.get(), shown.get()) != 0)
      return "its certificate is not that of TLS_CERT";
    return "";
  }

  bool send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = tls_ != nullptr ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                                        : ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Until the server closes, as it was asked to.
  std::string receive_all() {
    std::string received;
    std::array<char, 16 << 10> piece;
    while (true) {
      const auto count = tls_ != nullptr ? SSL_read(tls_.get(), piece.data(), static_cast<int>(piece.size()))
                                         : ::recv(descriptor_, piece.data(), piece.size(), 0);
      if (count <= 0) return received;
      received.append(piece.data(), static_cast<std::size_t>(count));
    }
  }

 private:
  int descriptor_;
  std::unique_ptr<SSL_CTX, FreeTls> context_;
  std::unique_ptr<SSL, FreeTls> tls_;
};

}  // namespace

Result<ClientResponse> ask(const ServerToAsk& server, std::string_view method, const std::string& target) {
  constexpr std::string_view kTls = "https://";
  const bool tls = server.address.starts_with(kTls);
  const auto address = tls ? server.address.substr(kTls.size()) : server.address;
  const Socket socket(connect_to(address));
  if (socket.get() < 0) return no_answer(address, std::strerror(errno));
  Line line(socket.get());
  if (tls) {
    const auto trouble = line.begin_tls(server.certificate);
    if (!trouble.empty()) return no_answer(address, trouble);
  }
  const auto authorization =
      server.key.empty() ? "" : fmt::format("Authorization: Bearer {}\r\n", server.key);
  const auto request =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n{}Content-Length: 0\r\nConnection: close\r\n\r\n", method,
                  target, address, authorization);
  if (!line.send_all(request)) return no_answer(address, std::strerror(errno));
  const std::string received = line.receive_all();
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const auto head_end = received.find("\r\n\r\n");
  ClientResponse response;
  if (!received.starts_with(kVersion) || head_end == std::string::npos) {
    return no_answer(address, "it closed the connection without a reply");
  }
  const char* const status = received.data() + kVersion.size();
  std::from_chars(status, received.data() + head_end, response.status);
  response.body = received.substr(head_end + 4);
  return response;
}

}  // namespace deltadrop::http
