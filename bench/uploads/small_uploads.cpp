/// Sends many small requests to a running server: uploads, or the same GET repeatedly. Each client keeps one
/// connection.
///
/// Each client has its own tables and sends one file after another: first version 1 of each table, then the
/// next version of each. An upload's time is from its first byte sent to the last byte of the response.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::string_view kHelp =
    R"(usage: bench_small_uploads [--address HOST:PORT] [--clients N] [--uploads N] [--tables N] [--rows N] [--prefix TEXT]
       bench_small_uploads --get PATH [--address HOST:PORT] [--clients N] [--requests N]

Sends UPLOADS files of ROWS rows (20,000 of 10) to a server on this machine (127.0.0.1:8000) by CLIENTS (16) kept
connections, to TABLES tables in turn (as many as uploads: each is a first version) named PREFIX0, PREFIX1...
With --get asks for PATH instead, REQUESTS times (20,000).
Prints one figure a line: name, value, unit. Fails when an answer is not 200 or 202.
)";

struct Settings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;
  std::size_t clients = 16;
  std::size_t uploads = 20'000;
  std::size_t tables = 0;  ///< 0: one table per upload
  std::size_t rows = 10;
  std::string prefix = "small";
  std::string path;  ///< the path to GET instead of uploading
};

[[noreturn]] void fail(const std::string& reason) {
  fmt::print(stderr, "bench_small_uploads: {}\n", reason);
  std::exit(1);
}

class Connection {
 public:
  explicit Connection(const Settings& settings) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(settings.port);
    if (::inet_pton(AF_INET, settings.host.c_str(), &address.sin_addr) != 1)
      fail("HOST must be an IPv4 address");
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      fail(fmt::format("cannot connect: {}", std::strerror(errno)));
    }
    constexpr int kOn = 1;
    constexpr timeval kPatience{60, 0};
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Returns the response's status. Reads and discards the body.
  int exchange(std::string_view request) {
    while (!request.empty()) {
      const auto sent = ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
      if (sent <= 0) fail(fmt::format("cannot send: {}", std::strerror(errno)));
      request.remove_prefix(static_cast<std::size_t>(sent));
    }
    received_.clear();
    std::size_t head_end = std::string::npos;
    while ((head_end = received_.find("\r\n\r\n")) == std::string::npos) receive();
    const auto length_at = received_.find("Content-Length: ");
    if (length_at >= head_end) fail("the response has no Content-Length");
    const auto length = number_at(length_at + std::string_view("Content-Length: ").size());
    while (received_.size() < head_end + 4 + length) receive();
    last_body_ = received_.substr(head_end + 4);
    return static_cast<int>(number_at(std::string_view("HTTP/1.1 ").size()));
  }
  [[nodiscard]] const std::string& last_body() const { return last_body_; }

 private:
  void receive() {
    std::array<char, 16384> piece;
    const auto count = ::recv(socket_, piece.data(), piece.size(), 0);
    if (count <= 0) fail(fmt::format("no response: {}", count == 0 ? "closed" : std::strerror(errno)));
    received_.append(piece.data(), static_cast<std::size_t>(count));
  }
  [[nodiscard]] std::size_t number_at(std::size_t at) const {
    std::size_t number = 0;
    std::from_chars(received_.data() + at, received_.data() + received_.size(), number);
    return number;
  }

  int socket_;
  std::string received_;
  std::string last_body_;
};

/// Version 1 has the amounts 100, 101 and so on; each later version differs in one row.
std::string csv_of(std::size_t rows, std::size_t version) {
  std::string text = "record_id,item,period,amount\n";
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t amount = 100 + row + (row == version % rows ? version * 1000 : 0);
    text += fmt::format("FIN-{:06},Revenue,2025-Q1,{}.50\n", row, amount);
  }
  return text;
}

std::string request_for(const Settings& settings, std::size_t table, std::size_t version) {
  if (!settings.path.empty()) {
    return fmt::format("GET {} HTTP/1.1\r\nHost: {}:{}\r\n\r\n", settings.path, settings.host, settings.port);
  }
  constexpr std::string_view kBoundary = "bench-small-uploads";
  const std::string body = fmt::format(
      "--{0}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{1}{2}.csv\"\r\nContent-Type: "
      "text/csv\r\n\r\n{3}\r\n--{0}--\r\n",
      kBoundary, settings.prefix, table, csv_of(settings.rows, version));
  return fmt::format(
      "POST /upload HTTP/1.1\r\nHost: {}:{}\r\nContent-Type: multipart/form-data; boundary={}\r\n"
      "Content-Length: {}\r\n\r\n{}",
      settings.host, settings.port, kBoundary, body.size(), body);
}

struct Tally {
  std::vector<double> seconds;
  std::map<int, std::size_t> statuses;
};

void run_client(const Settings& settings, std::size_t client, Tally& tally) {
  Connection connection(settings);
  for (std::size_t upload = client; upload < settings.uploads; upload += settings.clients) {
    const auto request = request_for(settings, upload % settings.tables, upload / settings.tables + 1);
    const auto begin = Steady::now();
    const int status = connection.exchange(request);
    tally.seconds.push_back(std::chrono::duration<double>(Steady::now() - begin).count());
    ++tally.statuses[status];
    if (status != 200 && status != 202) fail(fmt::format("{}: {}", status, connection.last_body()));
  }
}

double percentile(const std::vector<double>& sorted, double share) {
  const auto place = std::ceil(share * static_cast<double>(sorted.size())) - 1;
  return sorted[static_cast<std::size_t>(std::max(0.0, place))];
}

std::size_t count_of(std::string_view name, std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0) {
    fail(fmt::format("{} {} is not a positive number", name, text));
  }
  return number;
}

void set(Settings& settings, std::string_view name, std::string_view value) {
  if (name == "--address") {
    const auto colon = value.find(':');
    if (colon == std::string_view::npos) fail("--address HOST:PORT");
    settings.host = value.substr(0, colon);
    settings.port = static_cast<std::uint16_t>(count_of(name, value.substr(colon + 1)));
  } else if (name == "--clients") {
    settings.clients = count_of(name, value);
  } else if (name == "--get") {
    settings.path = value;
  } else if (name == "--uploads" || name == "--requests") {
    settings.uploads = count_of(name, value);
  } else if (name == "--tables") {
    settings.tables = count_of(name, value);
  } else if (name == "--rows") {
    settings.rows = count_of(name, value);
  } else if (name == "--prefix") {
    settings.prefix = value;
  } else {
    fail(fmt::format("unknown option {}; see --help", name));
  }
}

Settings settings_of(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; i += 2) {
    if (std::string_view(argv[i]) == "--help") {
      fmt::print("{}", kHelp);
      std::exit(0);
    }
    if (i + 1 == argc) fail(fmt::format("{} needs a value", argv[i]));
    set(settings, argv[i], argv[i + 1]);
  }
  if (settings.tables == 0) settings.tables = settings.uploads;
  // Give each table to one client, so that its uploads come one after another.
  settings.tables -= settings.tables % settings.clients;
  if (settings.tables == 0) fail("there are fewer tables than clients");
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  const Settings settings = settings_of(argc, argv);
  std::vector<Tally> tallies(settings.clients);
  std::vector<std::thread> threads;
  const auto begin = Steady::now();
  for (std::size_t client = 0; client < settings.clients; ++client) {
    threads.emplace_back([&, client] { run_client(settings, client, tallies[client]); });
  }
  for (auto& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  std::vector<double> latencies;
  std::map<int, std::size_t> statuses;
  for (const auto& tally : tallies) {
    latencies.insert(latencies.end(), tally.seconds.begin(), tally.seconds.end());
    for (const auto& [status, count] : tally.statuses) statuses[status] += count;
  }
  std::sort(latencies.begin(), latencies.end());
  const std::string_view what = settings.path.empty() ? "small_uploads" : "get";
  fmt::print("{}_rate {:.0f} 1/s\n", what, static_cast<double>(latencies.size()) / seconds);
  fmt::print("{}_p50 {:.2f} ms\n", what, percentile(latencies, 0.5) * 1e3);
  fmt::print("{}_p99 {:.2f} ms\n", what, percentile(latencies, 0.99) * 1e3);
  fmt::print("{}_max {:.2f} ms\n", what, latencies.back() * 1e3);
  for (const auto& [status, count] : statuses) fmt::print("{}_status_{} {} answers\n", what, status, count);
}
