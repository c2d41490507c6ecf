#include "http/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "http/access_log.hpp"
#include "http/head.hpp"
#include "http/problem.hpp"
#include "http/router.hpp"
#include "http/target.hpp"

// The network runs on one thread, in coroutines; handlers, body sinks and streamed bodies run on worker
// pools. g++ 12 miscompiles capturing lambdas and braced temporaries inside a co_await expression: both are
// kept out of coroutines.
namespace deltadrop::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Parser = beast::http::request_parser<beast::http::buffer_body>;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::size_t kChunkBytes = std::size_t{128} << 10;   ///< what a sink is given at a time
constexpr std::size_t kWriteBytes = std::size_t{64} << 10;    ///< what a client must take within idle_timeout
constexpr std::size_t kSmallBodyMax = std::size_t{64} << 10;  ///< of requests whose body nobody wants
constexpr std::size_t kChangersPerReader = 4;
constexpr std::uint64_t kLingerBytesMax = std::uint64_t{256} << 20;
constexpr std::chrono::seconds kLingerTime{10};
constexpr std::chrono::milliseconds kAcceptRetry{50};
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// Runs `work` on the pool; the awaiting coroutine goes on, on its own executor, with what it returned.
template <class Work>
asio::awaitable<std::invoke_result_t<Work&>> run_on(asio::thread_pool& pool, Work work) {
  using Value = std::invoke_result_t<Work&>;
  return asio::async_initiate<const asio::use_awaitable_t<>, void(Value)>(
      [&pool](auto handler, Work job) {
        auto network =
            asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
        asio::post(pool, [handler = std::move(handler), job = std::move(job), network]() mutable {
          asio::post(network, [handler = std::move(handler), value = job()]() mutable {
            std::move(handler)(std::move(value));
          });
        });
      },
      asio::use_awaitable, std::move(work));
}

/// Catch-all around what routes do: nothing they throw may end the process.
template <class Value, class Work>
Value guarded(Work work) {
  Error error{ErrorCode::internal, "handler-failed", "the request met an unexpected fault",
              "see the server's log"};
  try {
    return work();
  } catch (const std::exception& failure) {
    log_trouble(failure.what());
  } catch (...) {
    log_trouble("a handler threw something that is no exception");
  }
  if constexpr (std::is_same_v<Value, Response>) {
    return problem(error);
  } else {
    return Value(std::move(error));
  }
}

class Connection;

/// What all connections share. `connections` belongs to the network thread.
struct Shared {
  Shared(const ServerOptions& server_options, std::vector<Route> routes)
      : options(server_options),
        router(std::move(routes)),
        acceptor(network),
        readers(std::max<std::size_t>(1, options.worker_threads)),
        changers(kChangersPerReader * std::max<std::size_t>(1, options.worker_threads)) {}

  ServerOptions options;
  Router router;
  asio::io_context network{1};
  tcp::acceptor acceptor;
  /// Two pools: what changes something waits for table locks and for the log, and must not hold up /health.
  /// It has more threads, since many that wait for one table must not hold up another table.
  asio::thread_pool readers;
  asio::thread_pool changers;
  std::set<Connection*> connections;
  std::atomic<bool> stopping = false;
};

Request request_of(const Parser& parser, const std::string& remote_address) {
  Request request;
  const auto& message = parser.get();
  request.method = std::string(message.method_string());
  for (const auto& field : message) {
    request.headers.emplace_back(
        ascii_lower(std::string_view(field.name_string().data(), field.name_string().size())),
        std::string(field.value()));
  }
  request.remote_address = remote_address;
  request.id = request_id(request.header("x-request-id"));
  return request;
}

bool is_protocol_error(const error_code& error) {
  static const auto& protocol = beast::http::make_error_code(beast::http::error::bad_method).category();
  return error.category() == protocol;
}

class Connection {
 public:
  Connection(Shared& shared, tcp::socket socket) : shared_(shared), stream_(std::move(socket)) {
    error_code ignored;
    const auto peer = stream_.socket().remote_endpoint(ignored);
    if (!ignored) remote_address_ = peer.address().to_string();
    shared_.connections.insert(this);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { shared_.connections.erase(this); }

  asio::awaitable<void> run() {
    bool fresh = true;
    while (!shared_.stopping && co_await await_request(fresh)) {
      fresh = false;
      if (!co_await serve_one()) break;
    }
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
  }

  void close_if_idle() {
    if (idle_) stream_.close();
  }
  void close() { stream_.close(); }

 private:
  enum class Dropped { whole, too_large, lost };

  /// Waits for the first bytes of a request. A fresh connection has header_timeout for its whole first head.
  asio::awaitable<bool> await_request(bool fresh) {
    if (buffer_.size() == 0) {
      idle_ = true;
      stream_.expires_after(fresh ? shared_.options.header_timeout : shared_.options.idle_timeout);
      const auto space = buffer_.prepare(2048);
      auto [error, count] = co_await stream_.async_read_some(space, kTuple);
      idle_ = false;
      if (error) co_return false;
      buffer_.commit(count);
      if (fresh) co_return true;
    }
    stream_.expires_after(shared_.options.header_timeout);
    co_return true;
  }

  /// One request and its answer; false: the connection is done with.
  asio::awaitable<bool> serve_one() {
    started_ = Clock::now();
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(shared_.options.header_bytes_max));
    parser_->body_limit(
        boost::none);  // sinks limit what they take; other bodies are limited by drop_small_body
    request_ = Request{};
    match_ = Router::Match{};
    framing_known_ = false;
    auto [error, count] = co_await beast::http::async_read_header(stream_, buffer_, *parser_, kTuple);
    if (error) {
      auto refusal = refusal_of_head(error);
      if (!refusal) co_return false;
      co_return co_await answer(std::move(*refusal));
    }
    auto response = prepare();
    if (response) {
      if (framing_known_ && !expects_continue()) co_await drop_small_body();
    } else if (match_.route->receive) {
      response = co_await receive_body();
    } else {
      response = co_await call_handler();
    }
    if (!response) {
      log_served(0);
      co_return false;
    }
    co_return co_await answer(std::move(*response));
  }

  /// What to say to a head that cannot be parsed; nothing when there is nobody to say it to.
  std::optional<Response> refusal_of_head(const error_code& failure) {
    using beast::http::error;
    request_ = Request{};
    request_.id = request_id(std::nullopt);
    if (failure == error::end_of_stream || failure == error::partial_message) return std::nullopt;
    if (failure == error::header_limit || failure == error::buffer_overflow) {
      return problem({ErrorCode::invalid_input, "header-too-large",
                      fmt::format("the request's header is over {} bytes", shared_.options.header_bytes_max),
                      "send a shorter path and fewer header fields"});
    }
    if (!is_protocol_error(failure)) return std::nullopt;
    return problem(bad_request(fmt::format("the request's head cannot be read: {}", failure.message()),
                               "speak HTTP/1.1"));
  }

  /// Reads the head's meaning into request_ and match_; a response where it ends there.
  std::optional<Response> prepare() {
    request_ = request_of(*parser_, remote_address_);
    request_.stopping = &shared_.stopping;
    const auto checked = check_request_head({parser_->get().version() == 11, request_.headers});
    if (checked.has_error()) return problem(checked.error());
    framing_known_ = true;
    const auto text = parser_->get().target();
    auto target = parse_target(std::string_view(text.data(), text.size()));
    if (target.has_error()) return problem(target.error());
    request_.path = std::move(target.value().path);
    request_.segments = std::move(target.value().segments);
    request_.query = std::move(target.value().query);
    match_ = shared_.router.find(request_.method, request_.segments);
    request_.parameters = match_.parameters;
    if (match_.route != nullptr) return std::nullopt;
    return no_route();
  }

  Response no_route() const {
    if (match_.allowed.empty()) {
      return problem({ErrorCode::not_found, "no-such-path",
                      fmt::format("there is nothing at {}", quoted_for_message(request_.path)),
                      "GET / lists what there is"});
    }
    const auto allowed = fmt::format("{}", fmt::join(match_.allowed, ", "));
    auto response = problem(
        {ErrorCode::invalid_input, "method-not-allowed",
         fmt::format("{} has no {}", quoted_for_message(request_.path), quoted_for_message(request_.method)),
         fmt::format("use {}", allowed)});
    response.headers.emplace_back("Allow", allowed);
    return response;
  }

  [[nodiscard]] bool expects_continue() const {
    return !parser_->is_done() && request_.header("expect").has_value();
  }

  asio::awaitable<bool> send_continue() {
    stream_.expires_after(shared_.options.idle_timeout);
    const auto text = asio::buffer(kContinue);
    auto [error, count] = co_await asio::async_write(stream_, text, kTuple);
    co_return !error;
  }

  // ---- request bodies
  // --------------------------------------------------------------------------------------------

  void start_body() {
    body_credit_ = shared_.options.body_rate_window;
    if (parser_->is_done()) return;
    buffer_.reserve(kReadBytes);
    chunk_.resize(kChunkBytes);
  }

  /// The minimum rate, as credit: reading spends it, bytes earn it, and no more than the window can be saved.
  void account(Clock::duration spent, std::size_t bytes) {
    using std::chrono::duration_cast;
    const auto rate = std::max<std::uint64_t>(1, shared_.options.body_rate_min);
    const auto earned = std::chrono::duration<double>(static_cast<double>(bytes) / static_cast<double>(rate));
    const std::chrono::duration<double> window = shared_.options.body_rate_window;
    const std::chrono::duration<double> left = body_credit_ - spent + earned;
    body_credit_ = duration_cast<Clock::duration>(std::min(window, left));
  }

  /// Reads until chunk_ is full or the body ends; `*filled` bytes are in it.
  asio::awaitable<error_code> fill_chunk(std::size_t* filled) {
    auto& body = parser_->get().body();
    body.data = chunk_.data();
    body.size = chunk_.size();
    body.more = true;
    while (!parser_->is_done() && body.size > 0) {
      const auto before = Clock::now();
      stream_.expires_at(before + body_credit_);
      auto [error, count] = co_await beast::http::async_read_some(stream_, buffer_, *parser_, kTuple);
      account(Clock::now() - before, count);
      if (error && error != beast::http::error::need_buffer) co_return error;
    }
    *filled = chunk_.size() - body.size;
    co_return error_code{};
  }

  /// An answer for a body that did not come whole, if the client may still read one.
  static std::optional<Response> refusal_of_body(const error_code& error) {
    if (error == beast::http::error::partial_message || error == beast::http::error::end_of_stream) {
      return problem({ErrorCode::invalid_input, "truncated-body", "the connection ended before the body did",
                      "send the whole body again"});
    }
    if (!is_protocol_error(error)) return std::nullopt;
    return problem(bad_request(fmt::format("the body's framing cannot be read: {}", error.message()),
                               "send a Content-Length, or correct chunks"));
  }

  asio::awaitable<std::optional<Response>> receive_body() {
    auto made = co_await make_sink();
    if (made.has_error()) co_return problem(made.error());
    auto sink = std::move(made).value();
    if (expects_continue() && !co_await send_continue()) {
      co_await drop_sink(std::move(sink));
      co_return std::nullopt;
    }
    start_body();
    std::optional<Response> refusal;
    while (!parser_->is_done()) {
      std::size_t filled = 0;
      const auto error = co_await fill_chunk(&filled);
      if (error) {
        refusal = refusal_of_body(error);
        co_await drop_sink(std::move(sink));
        co_return refusal;
      }
      const auto written = co_await write_to(*sink, filled);
      if (written.has_error()) {
        co_await drop_sink(std::move(sink));
        co_return problem(written.error());
      }
    }
    chunk_ = {};
    co_return co_await finish(std::move(sink));
  }

  /// Reads and forgets a body that the request's route has no use for.
  asio::awaitable<Dropped> drop_small_body() {
    start_body();
    std::size_t dropped = 0;
    while (!parser_->is_done()) {
      std::size_t filled = 0;
      const auto error = co_await fill_chunk(&filled);
      if (error) co_return Dropped::lost;
      dropped += filled;
      if (dropped > kSmallBodyMax) co_return Dropped::too_large;
    }
    chunk_ = {};
    co_return Dropped::whole;
  }

  // ---- work on the pools: no coroutines, so lambdas are safe here
  // --------------------------------------------------

  using MadeSink = Result<std::unique_ptr<BodySink>>;

  asio::awaitable<MadeSink> make_sink() {
    return run_on(shared_.readers,
                  [this] { return guarded<MadeSink>([this] { return match_.route->receive(request_); }); });
  }

  asio::awaitable<Result<void>> write_to(BodySink& sink, std::size_t bytes) {
    return run_on(shared_.readers, [this, &sink, bytes] {
      return guarded<Result<void>>(
          [&] { return sink.write(std::as_bytes(std::span(chunk_.data(), bytes))); });
    });
  }

  /// On a worker: destroying a sink may remove a file of many gigabytes.
  asio::awaitable<bool> drop_sink(std::unique_ptr<BodySink> sink) {
    return run_on(shared_.readers, [sink = std::move(sink)]() mutable {
      sink.reset();
      return true;
    });
  }

  asio::awaitable<std::optional<Response>> finish(std::unique_ptr<BodySink> sink) {
    return run_on(shared_.changers, [sink = std::move(sink)]() mutable -> std::optional<Response> {
      auto response = guarded<Response>([&sink] { return sink->finish(); });
      sink.reset();
      return response;
    });
  }

  asio::awaitable<std::optional<Response>> run_handler() {
    auto& pool = request_.method == "GET" || request_.method == "HEAD" ? shared_.readers : shared_.changers;
    return run_on(pool, [this]() -> std::optional<Response> {
      return guarded<Response>([this] { return match_.route->handle(request_); });
    });
  }

  asio::awaitable<Result<std::string>> next_piece(BodySource& source) {
    return run_on(shared_.readers,
                  [&source] { return guarded<Result<std::string>>([&source] { return source(); }); });
  }

  asio::awaitable<std::optional<Response>> call_handler() {
    if (expects_continue() && !co_await send_continue()) co_return std::nullopt;
    const auto dropped = co_await drop_small_body();
    if (dropped == Dropped::lost) co_return std::nullopt;
    if (dropped == Dropped::too_large) {
      co_return problem({ErrorCode::invalid_input, "too-large",
                         fmt::format("a body of more than {} bytes has no use here", kSmallBodyMax),
                         "send no body"});
    }
    co_return co_await run_handler();
  }

  // ---- responses
  // ---------------------------------------------------------------------------------------------------

  /// Sends the response; false: the connection is done with.
  asio::awaitable<bool> answer(Response response) {
    const bool head_only = request_.method == "HEAD";
    std::string piece;
    if (response.stream && !head_only) {
      auto first = co_await next_piece(response.stream);
      if (first.has_error()) {
        response = problem(first.error());
      } else {
        piece = std::move(first).value();
      }
    }
    set_problem_instance(response, request_.id);
    response.headers.emplace_back("Date", http_date(std::chrono::system_clock::now()));
    const bool http_1_1 = parser_->get().version() == 11;
    const bool whole = framing_known_ && parser_->is_done();
    Framing framing = Framing::length;
    if (response.stream) framing = http_1_1 ? Framing::chunked : Framing::until_close;
    if (!status_has_body(response.status)) framing = Framing::none;
    const bool keep =
        whole && !shared_.stopping && parser_->get().keep_alive() && framing != Framing::until_close;
    auto head = head_of(response, framing, keep);
    const bool with_body = !head_only && framing != Framing::none;
    const std::string_view body =
        with_body && !response.stream ? std::string_view(response.body) : std::string_view{};
    bool sent = co_await send_text(std::move(head), body);
    if (sent && response.stream && with_body) {
      sent = co_await send_stream(response.stream, std::move(piece), framing == Framing::chunked);
    }
    log_served(response.status);
    if (sent && !keep && (!whole || buffer_.size() > 0)) co_await linger();
    co_return sent&& keep;
  }

  /// The head; a response whose head cannot be written becomes a 500 here.
  std::string head_of(Response& response, Framing& framing, bool keep) const {
    auto head = response_head(response, framing, keep, request_.id);
    if (head.has_value()) return std::move(head).value();
    log_trouble(head.error().message);
    response = problem(head.error());
    set_problem_instance(response, request_.id);
    framing = Framing::length;
    return response_head(response, framing, keep, request_.id).value();
  }

  /// Head and body, in pieces that must each be taken within idle_timeout.
  asio::awaitable<bool> send_text(std::string head, std::string_view body) {
    bool first = true;
    while (first || !body.empty()) {
      const auto part = body.substr(0, kWriteBytes);
      const std::array<asio::const_buffer, 2> buffers = {
          asio::buffer(first ? std::string_view(head) : std::string_view{}), asio::buffer(part)};
      stream_.expires_after(shared_.options.idle_timeout);
      auto [error, count] = co_await asio::async_write(stream_, buffers, kTuple);
      if (error) co_return false;
      body.remove_prefix(part.size());
      first = false;
    }
    co_return true;
  }

  asio::awaitable<bool> send_stream(BodySource& source, std::string piece, bool chunked) {
    while (!piece.empty()) {
      if (chunked) {
        piece.insert(0, fmt::format("{:x}\r\n", piece.size()));
        piece += "\r\n";
      }
      const bool sent = co_await send_text(std::string(), piece);
      if (!sent) co_return false;
      auto next = co_await next_piece(source);
      if (next.has_error()) {
        log_trouble(next.error().message);
        co_return false;
      }
      piece = std::move(next).value();
    }
    if (!chunked) co_return true;
    co_return co_await send_text("0\r\n\r\n", std::string_view{});
  }

  /// The client may still be sending: closing now would reset the connection and take the answer from it.
  asio::awaitable<void> linger() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    buffer_.clear();
    chunk_.resize(kReadBytes);
    stream_.expires_after(kLingerTime);
    std::uint64_t drained = 0;
    while (drained < kLingerBytesMax) {
      const auto space = asio::buffer(chunk_);
      auto [error, count] = co_await stream_.async_read_some(space, kTuple);
      if (error) co_return;
      drained += count;
    }
  }

  void log_served(unsigned status) const {
    const auto path =
        match_.route != nullptr ? path_for_log(match_.route->pattern, match_.parameters) : request_.path;
    log_request({request_.method, path, status, Clock::now() - started_, request_.id});
  }

  Shared& shared_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{kReadBytes + (std::size_t{1} << 20)};
  std::optional<Parser> parser_;
  std::vector<char> chunk_;
  std::string remote_address_;
  Request request_;
  Router::Match match_;
  Clock::time_point started_;
  Clock::duration body_credit_{};
  bool idle_ = false;
  bool framing_known_ = false;
};

asio::awaitable<void> run_connection(Shared& shared, tcp::socket socket) {
  try {
    Connection connection(shared, std::move(socket));
    co_await connection.run();
  } catch (const std::exception& failure) {
    log_trouble(failure.what());
  }
}

/// Says 503 without waiting: the answer fits the socket's buffer, or is lost.
void refuse_connection(tcp::socket socket) {
  auto response = problem({ErrorCode::unavailable, "too-many-connections", "all connections are taken",
                           "try again in a few seconds"});
  const auto id = request_id(std::nullopt);
  set_problem_instance(response, id);
  const auto text = response_head(response, Framing::length, false, id).value() + response.body;
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(text), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> accept_connections(Shared& shared) {
  asio::steady_timer pause(shared.network);
  while (!shared.stopping) {
    auto [error, socket] = co_await shared.acceptor.async_accept(kTuple);
    if (!shared.acceptor.is_open()) co_return;
    if (error) {  // out of descriptors, most likely: others will be closed meanwhile
      pause.expires_after(kAcceptRetry);
      auto [cancelled] = co_await pause.async_wait(kTuple);
      if (cancelled) co_return;
    } else if (shared.connections.size() >= shared.options.connections_max) {
      refuse_connection(std::move(socket));
    } else {
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      asio::co_spawn(shared.network, run_connection(shared, std::move(socket)), asio::detached);
    }
  }
}

class BeastServer final : public Server {
 public:
  BeastServer(const ServerOptions& options, std::vector<Route> routes)
      : shared_(options, std::move(routes)) {}
  ~BeastServer() override { stop_now(std::chrono::milliseconds{0}); }

  Result<void> start() {
    error_code error;
    const auto& options = shared_.options;
    const auto host = options.address == "localhost" ? std::string("127.0.0.1") : options.address;
    const tcp::endpoint endpoint(asio::ip::make_address(host, error), options.port);
    auto& acceptor = shared_.acceptor;
    if (!error) acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return Error{
          ErrorCode::unavailable, "cannot-listen",
          fmt::format("cannot listen on {}:{}: {}", options.address, options.port, error.message()),
          fmt::format(
              "give another address with --listen, or stop what holds this one: ss -ltnp 'sport = :{}'",
              options.port)};
    }
    const auto bound = acceptor.local_endpoint(error);
    const auto ip = bound.address().to_string();
    address_ = bound.address().is_v6() ? fmt::format("[{}]:{}", ip, bound.port())
                                       : fmt::format("{}:{}", ip, bound.port());
    asio::co_spawn(shared_.network, accept_connections(shared_), asio::detached);
    thread_ = std::thread([this] { run_network(); });
    return success();
  }

  [[nodiscard]] std::string address() const override { return address_; }

  void stop(std::chrono::milliseconds drain) override { stop_now(drain); }

 private:
  void run_network() {
    for (bool done = false; !done;) {
      try {
        shared_.network.run();
        done = true;
      } catch (const std::exception& failure) {
        log_trouble(failure.what());
      }
    }
    const std::lock_guard lock(mutex_);
    network_done_ = true;
    changed_.notify_all();
  }

  /// The network thread ends by itself once the acceptor and the last connection are gone.
  void stop_now(std::chrono::milliseconds drain) {
    const std::lock_guard only_one(stop_mutex_);
    if (!thread_.joinable()) return;
    shared_.stopping = true;
    asio::post(shared_.network, [this] {
      error_code ignored;
      shared_.acceptor.close(ignored);
      for (auto* connection : shared_.connections) connection->close_if_idle();
    });
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, drain, [this] { return network_done_; });
    }
    asio::post(shared_.network, [this] {
      for (auto* connection : shared_.connections) connection->close();
    });
    thread_.join();
    shared_.readers.join();
    shared_.changers.join();
  }

  Shared shared_;
  std::string address_;
  std::thread thread_;
  std::mutex stop_mutex_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool network_done_ = false;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(const ServerOptions& options, std::vector<Route> routes) {
  auto server = std::make_unique<BeastServer>(options, std::move(routes));
  DD_TRY(server->start());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace deltadrop::http
