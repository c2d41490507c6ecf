#include "http/client.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "core/table_ref.hpp"
#include "core/text.hpp"

namespace deltadrop::http {
namespace {

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

/// A ServerToAsk's address, taken apart.
struct Address {
  bool tls = false;
  std::string text;  ///< as it was given, without the scheme
  std::string host;  ///< an IPv6 address without its brackets
  std::string port;
};

Error no_url(const std::string& given) {
  return {ErrorCode::invalid_input, "bad-url",
          fmt::format("{} is no URL of a server", quoted_for_message(given)),
          "write scheme, host and port, and no path: http://127.0.0.1:8000, https://[::1]:8000"};
}

Result<void> check_port(const Address& address) {
  unsigned number = 0;
  const char* const end = address.port.data() + address.port.size();
  const auto parsed = std::from_chars(address.port.data(), end, number);
  if (parsed.ec == std::errc{} && parsed.ptr == end && number >= 1 && number <= 65'535) return success();
  return Error{
      ErrorCode::invalid_input, "bad-port",
      fmt::format("{} in {} is no port", quoted_for_message(address.port), quoted_for_message(address.text)),
      "give a number from 1 to 65535, such as http://127.0.0.1:8000"};
}

/// Without a scheme, as lock files have it, the port cannot be left out.
Result<Address> parse_address(const std::string& given) {
  constexpr std::string_view kTls = "https://";
  constexpr std::string_view kPlain = "http://";
  const bool tls = given.starts_with(kTls);
  const bool plain = given.starts_with(kPlain);
  Address address{tls, given.substr(tls ? kTls.size() : plain ? kPlain.size() : 0), "", tls ? "443" : "80"};
  while (address.text.ends_with('/')) address.text.pop_back();
  const std::string_view text = address.text;
  constexpr std::string_view kNeverThere = "/?#@\\\" \t\r\n";
  if (text.find_first_of(kNeverThere) != std::string_view::npos) return no_url(given);
  const auto bracket = text.starts_with('[') ? text.find(']') : 0;
  if (bracket == std::string_view::npos) return no_url(given);
  const auto colon = text.find(':', bracket);
  address.host = bracket > 0 ? text.substr(1, bracket - 1) : text.substr(0, colon);
  const bool host_ends = bracket == 0 || text.substr(bracket + 1).empty() || colon == bracket + 1;
  const bool port_given = colon != std::string_view::npos;
  if (address.host.empty() || !host_ends || (!port_given && !tls && !plain)) return no_url(given);
  if (port_given) {
    address.port = text.substr(colon + 1);
    if (address.port.find_first_of(":[]") != std::string::npos) return no_url(given);
    DD_TRY(check_port(address));
  }
  return address;
}

Result<std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>> look_up(const Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  if (failed == 0) return std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>(found, &::freeaddrinfo);
  const bool unknown = failed == EAI_NONAME || failed == EAI_NODATA;
  const auto host = quoted_for_message(address.host);
  return Error{ErrorCode::unavailable, "no-host",
               unknown ? fmt::format("there is no host {}", host)
                       : fmt::format("the host {} cannot be found: {}", host, ::gai_strerror(failed)),
               "check the name of the server's host, or give its IP address"};
}

/// A connected socket.
Result<int> connect_to(const Address& address, std::int64_t patience_s) {
  DD_TRY(const auto found, look_up(address));
  const int descriptor = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return no_answer(address.text, std::strerror(errno));
  const timeval patience{patience_s, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(descriptor, found->ai_addr, found->ai_addrlen) == 0) return descriptor;
  auto failure = no_answer(address.text, std::strerror(errno));
  ::close(descriptor);
  return failure;
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

  /// Appends what has come; false at the end, or when nothing comes in time.
  bool receive(std::string& received) {
    std::array<char, 16 << 10> piece;
    const auto count = tls_ != nullptr ? SSL_read(tls_.get(), piece.data(), static_cast<int>(piece.size()))
                                       : ::recv(descriptor_, piece.data(), piece.size(), 0);
    if (count <= 0) return false;
    received.append(piece.data(), static_cast<std::size_t>(count));
    return true;
  }

 private:
  int descriptor_;
  std::unique_ptr<SSL_CTX, FreeTls> context_;
  std::unique_ptr<SSL, FreeTls> tls_;
};

/// Reads one answer: its head, then its body as its framing says.
class AnswerReader {
 public:
  AnswerReader(Line& line, const std::string& address) : line_(line), address_(address) {}

  Result<ClientResponse> read(const BodyUse& use) {
    DD_TRY(auto response, read_head());
    const bool streamed = use && response.status >= 200 && response.status < 300;
    const BodyUse take = streamed ? use : [&response](std::string_view piece) -> Result<void> {
      response.body += piece;
      return success();
    };
    if (chunked_) {
      DD_TRY(read_chunks(take));
    } else {
      DD_TRY(read_plain(take));
    }
    return response;
  }

 private:
  Result<ClientResponse> read_head() {
    constexpr std::string_view kVersion = "HTTP/1.1 ";
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!line_.receive(received_)) return no_answer(address_, "it closed the connection without a reply");
    }
    if (!received_.starts_with(kVersion)) return no_answer(address_, "it does not speak HTTP/1.1");
    ClientResponse response;
    std::from_chars(received_.data() + kVersion.size(), received_.data() + end, response.status);
    const std::string head = ascii_lower(std::string_view(received_).substr(0, end)) + "\r\n";
    received_.erase(0, end + 4);
    constexpr std::string_view kLength = "\r\ncontent-length: ";
    chunked_ = head.find("\r\ntransfer-encoding: chunked\r\n") != std::string::npos;
    if (const auto found = head.find(kLength); found != std::string::npos) {
      std::uint64_t length = 0;
      std::from_chars(head.data() + found + kLength.size(), head.data() + head.size(), length);
      length_ = length;
    }
    if (response.status == 204 || response.status == 304) length_ = 0;
    return response;
  }

  [[nodiscard]] Error cut_off() const {
    return {ErrorCode::unavailable, "cut-off",
            fmt::format("the server at {} broke its answer off: what came is not all", address_),
            "see the server's log, then try again"};
  }

  /// Gives `bytes` of the body to `use` as they come.
  Result<void> pass_on(std::uint64_t bytes, const BodyUse& use) {
    while (bytes > 0) {
      if (received_.empty() && !line_.receive(received_)) return cut_off();
      const auto count = std::min<std::uint64_t>(bytes, received_.size());
      DD_TRY(use(std::string_view(received_).substr(0, count)));
      received_.erase(0, count);
      bytes -= count;
    }
    return success();
  }

  Result<void> read_plain(const BodyUse& use) {
    if (length_) return pass_on(*length_, use);
    do {
      DD_TRY(pass_on(received_.size(), use));
    } while (line_.receive(received_));
    return success();
  }

  Result<void> read_chunks(const BodyUse& use) {
    while (true) {
      std::size_t end = 0;
      while ((end = received_.find("\r\n")) == std::string::npos) {
        if (!line_.receive(received_)) return cut_off();
      }
      std::uint64_t size = 0;
      const auto parsed = std::from_chars(received_.data(), received_.data() + end, size, 16);
      if (parsed.ec != std::errc{}) return cut_off();
      received_.erase(0, end + 2);
      DD_TRY(pass_on(size, use));
      DD_TRY(pass_on(2, [](std::string_view) -> Result<void> { return success(); }));
      if (size == 0) return success();
    }
  }

  Line& line_;
  const std::string& address_;
  std::string received_;
  std::optional<std::uint64_t> length_;
  bool chunked_ = false;
};

std::string head_of(const ServerToAsk& server, const std::string& address, const Question& question) {
  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", question.method, question.target, address);
  if (!server.key.empty()) head += fmt::format("Authorization: Bearer {}\r\n", server.key);
  for (const auto& [name, value] : question.headers) head += fmt::format("{}: {}\r\n", name, value);
  return head + fmt::format("Content-Length: {}\r\nConnection: close\r\n\r\n", question.body_bytes);
}

}  // namespace

Result<ClientResponse> ask(const ServerToAsk& server, const Question& question, const BodyUse& use) {
  DD_TRY(const auto parsed, parse_address(server.address));
  const std::string& address = parsed.text;
  DD_TRY(const int descriptor, connect_to(parsed, question.patience_s));
  const Socket socket(descriptor);
  Line line(socket.get());
  if (parsed.tls) {
    const auto trouble = line.begin_tls(server.certificate);
    if (!trouble.empty()) return no_answer(address, trouble);
  }
  if (!line.send_all(head_of(server, address, question))) return no_answer(address, std::strerror(errno));
  while (question.next_body) {
    DD_TRY(const auto piece, question.next_body());
    // A server that refuses says so before the body's end, and takes no more of it.
    if (piece.empty() || !line.send_all(piece)) break;
  }
  return AnswerReader(line, address).read(use);
}

Result<ClientResponse> ask(const ServerToAsk& server, std::string_view method, const std::string& target) {
  Question question;
  question.method = method;
  question.target = target;
  return ask(server, question);
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace deltadrop::http
