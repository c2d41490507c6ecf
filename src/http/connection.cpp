#include "http/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <boost/beast/core/flat_buffer.hpp>

#include "core/exhausted.hpp"
#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "http/access_log.hpp"
#include "http/connection_body.hpp"
#include "http/connection_gate.hpp"
#include "http/connection_live.hpp"
#include "http/connection_names.hpp"
#include "http/connection_request.hpp"
#include "http/connection_stream.hpp"
#include "http/connection_work.hpp"
#include "http/head.hpp"
#include "http/head_scanner.hpp"
#include "http/problem.hpp"
#include "http/target.hpp"

// The network runs on one thread, in coroutines. Handlers, body sinks and streamed bodies run on worker
// pools.
namespace deltadrop::http {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kHeadReadBytes = 2048;
constexpr std::size_t kHeadBytesMax = std::size_t{1} << 20;  ///< the largest possible header_bytes_max
/// Besides the bytes of one read, the buffer may contain as much chunk framing as a head may have.
constexpr std::size_t kBufferBytesMax = kHeadBytesMax + kBodyReadBytes;
static_assert(kHeadReadBytes <= kBodyReadBytes, "a head is read into the same buffer");
constexpr std::size_t kLingerReadBytes = std::size_t{64} << 10;
constexpr std::size_t kWriteBytes = std::size_t{64}
                                    << 10;  ///< a client must receive this much within idle_timeout
constexpr std::size_t kSmallBodyMax = std::size_t{64} << 10;  ///< of requests whose route ignores the body
constexpr std::uint64_t kLingerBytesMax = std::uint64_t{256} << 20;
constexpr std::chrono::seconds kLingerTime{10};
/// In the log and the metrics: the client did not receive the whole response.
constexpr unsigned kClientGone = 499;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// Returns the kind of work that produces the pieces of a streamed body.
Work pieces_of(Work work) { return work == Work::history ? Work::history_piece : Work::file_piece; }

}  // namespace

class Connection {
 public:
  Connection(ConnectionsShared& shared, tcp::socket socket, std::string address,
             std::shared_ptr<asio::ssl::context> tls)
      : shared_(shared), stream_(std::move(socket), std::move(tls)), remote_address_(std::move(address)) {
    shared_.connections.insert(this);
    ++shared_.per_address[remote_address_];
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    shared_.connections.erase(this);
    const auto counted = shared_.per_address.find(remote_address_);
    if (--counted->second == 0) shared_.per_address.erase(counted);
  }

  asio::awaitable<void> run() {
    idle_ = true;
    stream_.expires_after(shared_.options.header_timeout);
    bool going_on = co_await stream_.handshake();
    bool fresh = true;
    while (going_on && !shared_.stopping) {
      going_on = co_await await_request(fresh);
      fresh = false;
      if (going_on) going_on = co_await serve_one();
    }
    co_await stream_.end();
  }

  void close_if_idle() {
    if (idle_) stream_.close();
    if (live_) live_->wake();
  }
  void close() {
    stream_.close();
    gone_.request_stop();
    if (live_) live_->wake();
    if (later_) later_->give_up();
  }

 private:
  /// Waits for the first bytes of a request. On a new connection, header_timeout covers the wait and the
  /// head.
  asio::awaitable<bool> await_request(bool fresh) {
    if (buffer_.size() == 0) {
      idle_ = true;
      stream_.expires_after(fresh ? shared_.options.header_timeout : shared_.options.idle_timeout);
      const auto read = co_await stream_.read_into(buffer_, kHeadReadBytes);
      idle_ = false;
      if (read) co_return false;
      if (fresh) co_return true;
    }
    stream_.expires_after(shared_.options.header_timeout);
    co_return true;
  }

  [[nodiscard]] Transport transport() const {
    return shared_.options.tls ? Transport::tls : Transport::plain;
  }

  [[nodiscard]] std::string_view received() const {
    const auto bytes = buffer_.cdata();
    return {static_cast<const char*>(bytes.data()), bytes.size()};
  }

  /// Serves one request. Returns false if the connection must be closed.
  asio::awaitable<bool> serve_one() {
    started_ = Clock::now();
    parser_.emplace();
    // Other code limits the sizes: HeadScanner the head, sinks their bodies, drop_small_body all other
    // bodies.
    parser_->header_limit(std::numeric_limits<std::uint32_t>::max());
    parser_->body_limit(boost::none);
    request_ = Request{};
    match_ = Router::Match{};
    work_ = Work::access;
    framing_known_ = false;
    bool lost = false;
    auto response = co_await read_head(&lost);
    if (lost) co_return false;
    if (!response) response = prepare();
    bool turned_away = false;
    gate_.emplace(shared_, request_);
    if (!response && shared_.options.gate && work_ != Work::none) {
      response = co_await gate_->ask(work_);
      turned_away = response.has_value();
    }
    if (!response && match_.route == nullptr) response = no_route();
    if (response) {
      // Without a valid key, a client cannot make the server wait for a body.
      if (framing_known_ && !turned_away && !expects_continue()) co_await drop_small_body(&lost);
    } else if (match_.route->receive) {
      watch_.emplace(shared_.departures, stream_.socket(), gone_);
      response = co_await receive_upload();
    } else {
      watch_.emplace(shared_.departures, stream_.socket(), gone_);
      response = co_await call_handler();
    }
    if (!response) {
      watch_.reset();
      log_served(0);
      co_return false;
    }
    const bool going_on = co_await answer(std::move(*response));
    watch_.reset();
    co_return going_on;
  }

  /// Reads a whole head into parser_. Returns a response if the head is invalid. Sets `*lost` if the
  /// connection is lost.
  asio::awaitable<std::optional<Response>> read_head(bool* lost) {
    HeadScanner::Limits limits{shared_.options.header_bytes_max, shared_.options.header_fields_max};
    HeadScanner scanner(limits);
    std::optional<std::size_t> head_bytes;
    while (!head_bytes) {
      auto scanned = scanner.feed(received());
      if (scanned.has_error()) co_return refusal_of_head(scanned.error());
      head_bytes = scanned.value();
      if (head_bytes) break;
      const auto error = co_await stream_.read_into(buffer_, kHeadReadBytes);
      if (error) {
        *lost = true;
        co_return std::nullopt;
      }
    }
    buffer_.consume(scanner.skipped());
    co_return parse_head(*head_bytes);
  }

  std::optional<Response> parse_head(std::size_t bytes) {
    const auto fields = header_fields_of(received().substr(0, bytes));
    error_code error;
    const auto used = parser_->put(asio::buffer(buffer_.cdata(), bytes), error);
    buffer_.consume(used);
    if (!error && parser_->is_header_done() && used == bytes) return std::nullopt;
    // Our own check names the field and the fix; the parser only reports that something is wrong.
    const auto checked = check_request_head({true, fields});
    if (checked.has_error()) return refusal_of_head(checked.error());
    return refusal_of_head(bad_request(
        fmt::format("cannot parse the request's head: {}", error ? error.message() : "it is not complete"),
        advice_for(error)));
  }

  Response refusal_of_head(const Error& failure) {
    request_.id = request_id(std::nullopt);
    return problem(failure);
  }

  /// Converts the head to request_ and match_. Returns a response if that ends the request.
  std::optional<Response> prepare() {
    request_ = request_of(*parser_, remote_address_);
    request_.stopping = &shared_.stopping;
    gone_ = std::stop_source();
    request_.stop = stop_of(gone_, shared_.ending);
    const auto checked = check_request_head({parser_->get().version() == 11, request_.headers});
    if (checked.has_error()) return problem(checked.error());
    framing_known_ = true;
    const auto text = parser_->get().target();
    auto target = parse_target(std::string_view(text.data(), text.size()));
    if (target.has_error()) return problem(target.error());
    // RFC 9112 section 3.2.2: the authority of an absolute-form target replaces Host.
    const auto& authority = target.value().authority ? target.value().authority : request_.header("host");
    const auto ours = check_requested_origin({target.value().scheme, authority}, transport(),
                                             shared_.options.allowed_hosts);
    if (ours.has_error()) return problem(ours.error());
    const auto same_site = check_same_site(request_, authority);
    if (same_site.has_error()) return problem(same_site.error());
    request_.origin = origin_of(authority, stream_.local_address(), transport());
    request_.path = std::move(target.value().path);
    request_.segments = std::move(target.value().segments);
    request_.query = std::move(target.value().query);
    match_ = shared_.router.find(request_.method, request_.segments);
    request_.parameters = match_.parameters;
    if (match_.route != nullptr) {
      request_.route = match_.route->pattern;
      request_.access = match_.route->access;
      work_ = match_.route->work_of ? match_.route->work_of(request_) : match_.route->work;
    }
    return std::nullopt;
  }

  Response no_route() const {
    if (match_.allowed.empty()) {
      return problem({ErrorCode::not_found, "no-such-path",
                      fmt::format("there is nothing at {}", quoted_for_message(request_.path)),
                      "GET / lists the paths"});
    }
    const auto allowed = fmt::format("{}", fmt::join(match_.allowed, ", "));
    auto response = problem({ErrorCode::invalid_input, "method-not-allowed",
                             fmt::format("{} does not support {}", quoted_for_message(request_.path),
                                         quoted_for_message(request_.method)),
                             fmt::format("use {}", allowed)});
    response.headers.emplace_back("Allow", allowed);
    return response;
  }

  [[nodiscard]] bool expects_continue() const {
    // RFC 9110 section 10.1.1: ignore the expectation of an HTTP/1.0 request.
    return !parser_->is_done() && parser_->get().version() == 11 && request_.header("expect").has_value();
  }

  asio::awaitable<bool> send_continue() {
    stream_.expires_after(shared_.options.idle_timeout);
    const ConnectionStream::Buffers text = {asio::buffer(kContinue), asio::const_buffer()};
    const auto moved = co_await stream_.write(text);
    co_return !moved.error;
  }

  // Request bodies

  asio::awaitable<std::optional<Response>> receive_upload() {
    if (shared_.uploads >= shared_.options.uploads_max) {
      co_return problem(
          {ErrorCode::unavailable, "too-many-uploads",
           fmt::format("{} uploads are in progress, the most that are allowed", shared_.options.uploads_max),
           "retry in a few seconds, or raise MAX_UPLOADS"});
    }
    auto full = refuse_if_full(shared_, Work::receiving);
    if (full) co_return full;
    const UploadPlace place(shared_.uploads);
    co_return co_await receive_body();
  }

  asio::awaitable<std::optional<Response>> receive_body() {
    auto made = co_await make_sink();
    if (made.has_error()) co_return problem(made.error());
    auto sink = std::move(made).value();
    if (expects_continue() && !co_await send_continue()) {
      co_await drop_sink(std::move(sink));
      co_return std::nullopt;
    }
    std::optional<ConnectionBody> body(std::in_place, stream_, buffer_, *parser_, shared_.options);
    while (!body->is_whole()) {
      const auto error = co_await body->read_chunk();
      if (error) {
        co_await drop_sink(std::move(sink));
        co_return body->refusal(error);
      }
      const auto written = co_await write_to(*sink, body->chunk());
      if (written.has_error()) {
        co_await drop_sink(std::move(sink));
        co_return problem(written.error());
      }
    }
    body.reset();  // an upload that waits for a table must not hold a chunk
    co_return co_await finish(std::move(sink));
  }

  /// Reads and discards a body that the request's route does not use. Returns a response if the body is
  /// invalid or too large. Sets `*lost` if the connection is lost.
  asio::awaitable<std::optional<Response>> drop_small_body(bool* lost) {
    ConnectionBody body(stream_, buffer_, *parser_, shared_.options);
    std::size_t dropped = 0;
    while (!body.is_whole()) {
      const auto error = co_await body.read_chunk();
      if (error) {
        auto refusal = body.refusal(error);
        *lost = !refusal.has_value();
        co_return refusal;
      }
      dropped += body.chunk().size();
      if (dropped > kSmallBodyMax) {
        co_return problem(
            {ErrorCode::invalid_input, "too-large",
             fmt::format("this request takes no body; a body over {} bytes is rejected", kSmallBodyMax),
             "send no body"});
      }
    }
    co_return std::nullopt;
  }

  // Work on the pools. A function with a capturing lambda must not be a coroutine: see connection_names.hpp.

  using MadeSink = Result<std::unique_ptr<BodySink>>;

  asio::awaitable<MadeSink> make_sink() {
    return run_on(shared_.pool(Work::receiving),
                  [this] { return guarded<MadeSink>([this] { return match_.route->receive(request_); }); });
  }

  asio::awaitable<Result<void>> write_to(BodySink& sink, std::span<const char> bytes) {
    return run_on(shared_.pool(Work::receiving), [&sink, bytes] {
      return guarded<Result<void>>([&] { return sink.write(std::as_bytes(bytes)); });
    });
  }

  /// Destroys the sink on a worker, because that may remove a file of many gigabytes.
  asio::awaitable<bool> drop_sink(std::unique_ptr<BodySink> sink) {
    return run_on(shared_.pool(Work::receiving), [sink = std::move(sink)]() mutable {
      sink.reset();
      return true;
    });
  }

  /// Runs `begin` on the pool and waits for the response without occupying a thread. `begin` must not use
  /// this connection, which may be destroyed before it runs.
  asio::awaitable<std::optional<Response>> respond_later(WorkerPool& pool,
                                                         std::function<void(Respond)> begin) {
    const auto later = std::make_shared<LaterResponse>(shared_.network);
    later_ = later;
    add_guarded(pool, std::move(begin), later->respond());
    auto response = co_await later->wait();
    later_.reset();
    co_return response;
  }

  static void add_guarded(WorkerPool& pool, std::function<void(Respond)> begin, Respond respond) {
    pool.add([begin = std::move(begin), respond = std::move(respond)] {
      const auto begun = guarded<Result<void>>([&]() -> Result<void> {
        begin(respond);
        return success();
      });
      if (begun.has_error()) respond(problem(begun.error()));
    });
  }

  asio::awaitable<std::optional<Response>> finish(std::unique_ptr<BodySink> sink) {
    const auto shared_sink = std::shared_ptr<BodySink>(std::move(sink));
    return respond_later(shared_.pool(Work::receiving),
                         [shared_sink](const Respond& respond) { shared_sink->finish(respond); });
  }

  static asio::awaitable<std::optional<Response>> at_once(std::optional<Response> response) {
    co_return response;
  }

  asio::awaitable<std::optional<Response>> run_handler() {
    if (work_ == Work::none) return at_once(handle());
    if (auto full = refuse_if_full(shared_, work_)) return at_once(std::move(full));
    auto& pool = shared_.pool(work_);
    return match_.route->handle ? run_handle(pool) : run_begin(pool);
  }

  asio::awaitable<std::optional<Response>> run_begin(WorkerPool& pool) {
    return respond_later(pool, [route = match_.route, request = request_](const Respond& respond) {
      route->begin(request, respond);
    });
  }

  std::optional<Response> handle() {
    return guarded<Response>([this] { return match_.route->handle(request_); });
  }

  asio::awaitable<std::optional<Response>> run_handle(WorkerPool& pool) {
    return run_on(pool, [this] { return handle(); });
  }

  asio::awaitable<Result<std::string>> next_piece(Response& response) {
    return run_on(shared_.pool(response.live ? Work::follower : pieces_of(work_)), [&response] {
      return guarded<Result<std::string>>(
          [&response] { return response.live ? response.live->next() : response.stream(); });
    });
  }

  /// Destroys the stream on a worker, because it may hold files and much memory.
  asio::awaitable<bool> drop_stream(BodySource stream) {
    return run_on(shared_.pool(pieces_of(work_)), [stream = std::move(stream)]() mutable {
      stream = nullptr;
      return true;
    });
  }

  void begin_live(LiveBody& body) {
    live_ = std::make_shared<LiveWait>(shared_.network);
    // A server that is stopping has already woken the existing connections.
    if (shared_.stopping) live_->wake();
    body.on_news([wait = live_] { wait->ring(); });
  }

  asio::awaitable<std::optional<Response>> call_handler() {
    if (expects_continue() && !co_await send_continue()) co_return std::nullopt;
    bool lost = false;
    auto refusal = co_await drop_small_body(&lost);
    if (lost || refusal) co_return refusal;
    co_return co_await run_handler();
  }

  // Responses

  /// Completes the texts of a response before it is sent. Logs what it hides from the client.
  void finish_texts(Response& response) const {
    set_problem_instance(response, request_.id);
    const std::string whole = response.status < 500 ? response.body : std::string();
    const bool hid = shared_.options.hidden_paths.hide_in(response);
    if (hid && response.content_type == kProblemType && !whole.empty()) log_failure(request_.id, whole);
  }

  /// Sends the response. Returns false if the connection must be closed.
  asio::awaitable<bool> answer(Response response) {
    const bool head_only = request_.method == "HEAD";
    std::string piece;
    if (response.stream && !head_only) {
      auto full = refuse_if_full(shared_, pieces_of(work_));
      if (full) response = std::move(*full);
    }
    if (is_streamed(response) && !head_only) {
      if (response.live) begin_live(*response.live);
      auto first = co_await next_piece(response);
      if (first.has_error()) {
        response = problem(first.error());
      } else {
        piece = std::move(first).value();
      }
    }
    finish_texts(response);
    add_security_headers(response, transport());
    response.headers.emplace_back("Date", http_date(std::chrono::system_clock::now()));
    const bool http_1_1 = parser_->get().version() == 11;
    const bool whole = framing_known_ && parser_->is_done();
    Framing framing = Framing::length;
    if (is_streamed(response) && !response.stream_bytes) {
      framing = http_1_1 ? Framing::chunked : Framing::until_close;
    }
    if (!status_has_body(response.status)) framing = Framing::none;
    bool keep = whole && !shared_.stopping && parser_->get().keep_alive() && framing != Framing::until_close;
    auto head = head_of(response, framing, keep);
    const bool gone = gone_.stop_requested();
    const bool with_body = !head_only && framing != Framing::none;
    const std::string_view body =
        with_body && !is_streamed(response) ? std::string_view(response.body) : std::string_view{};
    bool sent = co_await send_text(std::move(head), body);
    if (sent && is_streamed(response) && with_body) {
      sent = co_await send_stream(response, std::move(piece), framing == Framing::chunked);
    }
    if (gate_->has_ended_response()) keep = false;
    if (response.stream) co_await drop_stream(std::move(response.stream));
    // A live body ends when its client leaves, so that is a complete response.
    const bool answered = sent && !gone;
    log_served(answered || response.live ? response.status : kClientGone);
    if (sent && !keep && (!whole || buffer_.size() > 0)) co_await linger();
    co_return sent&& keep;
  }

  /// Returns the head. If the head is invalid, replaces the response with a 500.
  std::string head_of(Response& response, Framing& framing, bool keep) const {
    auto head = response_head(response, framing, keep, request_.id);
    if (head.has_value()) return std::move(head).value();
    log_trouble(head.error().message);
    response = problem(head.error());
    finish_texts(response);
    framing = Framing::length;
    return response_head(response, framing, keep, request_.id).value();
  }

  /// Sends head and body in pieces. The client must receive each piece within idle_timeout.
  asio::awaitable<bool> send_text(std::string head, std::string_view body) {
    bool first = true;
    while (first || !body.empty()) {
      const auto part = body.substr(0, kWriteBytes);
      const ConnectionStream::Buffers buffers = {
          asio::buffer(first ? std::string_view(head) : std::string_view{}), asio::buffer(part)};
      stream_.expires_after(shared_.options.idle_timeout);
      const auto moved = co_await stream_.write(buffers);
      if (moved.error) co_return false;
      body.remove_prefix(part.size());
      first = false;
    }
    co_return true;
  }

  static bool is_streamed(const Response& response) { return response.stream || response.live; }

  asio::awaitable<bool> send_stream(Response& response, std::string piece, bool chunked) {
    bool whole = true;
    if (response.live) {
      live_->watch(stream_.socket());
      whole = co_await send_live(response, std::move(piece), chunked);
      live_->stop_watching();
      live_.reset();
    } else {
      whole = co_await send_pieces(response, std::move(piece), chunked);
    }
    // If the end of the connection marks the end of the body, only a reset shows that the body is incomplete.
    if (!whole && !chunked) stream_.reset();
    if (!whole || !chunked) co_return whole;
    co_return co_await send_text("0\r\n\r\n", std::string_view{});
  }

  /// Sends the pieces of a streamed body. If the body does not match its Content-Length, returns false, so
  /// that it does not look complete.
  asio::awaitable<bool> send_pieces(Response& response, std::string piece, bool chunked) {
    std::uint64_t given = 0;
    while (!piece.empty()) {
      if (gate_->is_due()) {
        const auto refusal = co_await ask_gate_again();
        if (refusal) co_return false;
      }
      given += piece.size();
      if (given > response.stream_bytes.value_or(given)) co_return false;
      const bool sent = co_await send_piece(std::move(piece), chunked);
      if (!sent) co_return false;
      auto next = co_await next_piece(response);
      if (next.has_error()) {
        log_trouble(next.error().message);
        co_return false;
      }
      piece = std::move(next).value();
    }
    co_return given == response.stream_bytes.value_or(given);
  }

  /// Sends a live body until its time is over, the server stops or the gate rejects the request. Returns
  /// false if the client has disconnected, or if the body failed or cannot tell the client why it ends.
  asio::awaitable<bool> send_live(Response& response, std::string piece, bool chunked) {
    auto said = Clock::now();
    const auto time_max = response.live->time_max();
    const auto end = time_max ? said + *time_max : Clock::time_point::max();
    while (true) {
      if (piece.empty()) {
        const auto alarm = std::min(said + shared_.options.heartbeat, end);
        co_await live_->wait(alarm - Clock::now());
      } else {
        if (gate_->is_due()) {
          const auto refusal = co_await ask_gate_again();
          if (refusal) co_return co_await say_farewell(*response.live, *refusal, chunked);
        }
        const bool sent = co_await send_piece(std::move(piece), chunked);
        if (!sent) co_return false;
        said = Clock::now();
      }
      if (shared_.stopping || Clock::now() >= end) co_return true;
      if (live_->client_is_gone()) co_return false;
      live_->begin_round();
      auto next = co_await next_piece(response);
      if (next.has_error()) {
        log_trouble(next.error().message);
        co_return false;
      }
      piece = std::move(next).value();
      const bool silent = Clock::now() - said >= shared_.options.heartbeat;
      if (piece.empty() && silent) piece = response.live->heartbeat();
    }
  }

  /// Asks the gate again. Returns the rejection that must end the current response, the same that a new
  /// request would get.
  asio::awaitable<std::optional<Response>> ask_gate_again() {
    auto refusal = co_await gate_->ask_again();
    if (!refusal) co_return std::nullopt;
    finish_texts(*refusal);
    log_refused_again(*refusal);
    co_return refusal;
  }

  void log_refused_again(const Response& refusal) const {
    const auto path = path_to_log();
    const auto key = request_.key.value_or(KeyIdentity{});
    log_turned_away({path, request_.id, key.id, key.name, refusal.body});
  }

  asio::awaitable<bool> say_farewell(const LiveBody& body, const Response& refusal, bool chunked) {
    auto text = body.farewell(refusal.body);
    if (text.empty()) co_return false;
    co_return co_await send_piece(std::move(text), chunked);
  }

  asio::awaitable<bool> send_piece(std::string piece, bool chunked) {
    if (chunked) {
      piece.insert(0, fmt::format("{:x}\r\n", piece.size()));
      piece += "\r\n";
    }
    co_return co_await send_text(std::string(), piece);
  }

  /// Reads until the client is done. If it is still sending, closing now would reset the connection, and the
  /// client would lose the response.
  asio::awaitable<void> linger() {
    stream_.end_sending();
    buffer_.clear();
    stream_.expires_after(kLingerTime);
    std::uint64_t drained = 0;
    while (drained < kLingerBytesMax) {
      const auto error = co_await stream_.read_into(buffer_, kLingerReadBytes);
      if (error) co_return;
      drained += buffer_.size();
      buffer_.clear();
    }
  }

  std::string path_to_log() const {
    return match_.route != nullptr ? path_for_log(match_.route->pattern, match_.parameters) : request_.path;
  }

  void log_served(unsigned status) const {
    const auto path = path_to_log();
    const Served served{request_.method, path, status, Clock::now() - started_, request_.id, request_.route};
    log_request(served);
    if (shared_.options.on_served) shared_.options.on_served(served);
  }

  ConnectionsShared& shared_;
  ConnectionStream stream_;
  boost::beast::flat_buffer buffer_{kBufferBytesMax};
  std::optional<RequestParser> parser_;
  std::shared_ptr<LiveWait> live_;        ///< while a live body is being sent
  std::shared_ptr<LaterResponse> later_;  ///< while a response is awaited
  std::string remote_address_;
  std::stop_source gone_;                   ///< requested when the request's client has disconnected
  std::optional<Departures::Watch> watch_;  ///< while the request is being handled
  Request request_;
  std::optional<ConnectionGate> gate_;  ///< of the current request
  Router::Match match_;
  Work work_ = Work::access;  ///< of the current request
  Clock::time_point started_;
  bool idle_ = false;
  bool framing_known_ = false;
};

std::optional<Response> refuse_if_full(ConnectionsShared& shared, Work work) {
  if (shared.pool(work).has_room()) return std::nullopt;
  return problem(
      {ErrorCode::unavailable, "too-busy",
       "too many requests of this kind are waiting: a disk or a server that they need is slow or down",
       "retry in a few seconds"});
}

ConnectionsShared::ConnectionsShared(const ServerOptions& server_options, std::vector<Route> routes)
    : options(server_options), router(std::move(routes)) {
  for (std::size_t i = 0; i < kWorkKinds; ++i) {
    if (static_cast<Work>(i) != Work::none) pools[i] = std::make_unique<WorkerPool>(options.pools[i]);
  }
}

asio::awaitable<void> serve_connection(ConnectionsShared& shared, tcp::socket socket, std::string address,
                                       std::shared_ptr<asio::ssl::context> tls) {
  try {
    Connection connection(shared, std::move(socket), std::move(address), std::move(tls));
    co_await connection.run();
  } catch (const std::exception& failure) {
    log_trouble(failure.what());
  }
}

void close_idle_connections(ConnectionsShared& shared) {
  for (auto* connection : shared.connections) connection->close_if_idle();
}

void close_all_connections(ConnectionsShared& shared) {
  for (auto* connection : shared.connections) connection->close();
}

}  // namespace deltadrop::http
