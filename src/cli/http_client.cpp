#include "cli/http_client.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "core/table_ref.hpp"
#include "core/text.hpp"

namespace deltadrop::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr long kBufferBytes = 256L << 10;
/// The connection timeout. An upload may wait longer for the server's comparison, but not for an absent
/// server.
constexpr std::chrono::seconds kConnectPatience{60};

struct FreeVendor {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(char* text) const { curl_free(text); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* file) const { BIO_free_all(file); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeVendor>;

/// The parsed address of an endpoint.
struct ServerUrl {
  std::string text;  ///< "https://host:port", without a slash at the end
  std::string host;  ///< an IPv6 address without its brackets
  bool tls = false;
};

Error bad_url(const std::string& given) {
  return {ErrorCode::invalid_input, "bad-url",
          fmt::format("{} is not the URL of a server", quoted_for_message(given)),
          "write scheme, host and port, and no path: http://127.0.0.1:8000, https://[::1]:8000"};
}

Error bad_port(const std::string& given) {
  return {ErrorCode::invalid_input, "bad-port",
          fmt::format("the port in {} is not valid", quoted_for_message(given)),
          "give a number from 1 to 65535, such as http://127.0.0.1:8000"};
}

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  return Owned<char>(text).get();
}

/// Returns whether the error is in the port, rather than an IPv6 address without brackets.
bool has_one_colon_for_the_port(std::string_view url) {
  const auto authority = url.substr(url.find("://") + 3);
  const auto bracket = authority.rfind(']');
  const auto rest = bracket == std::string_view::npos ? authority : authority.substr(bracket);
  return std::count(rest.begin(), rest.end(), ':') == 1;
}

Result<ServerUrl> parse_address(const std::string& given) {
  const bool has_scheme = given.find("://") != std::string::npos;
  const std::string text = has_scheme ? given : "http://" + given;
  const Owned<CURLU> url(curl_url());
  if (url == nullptr) throw std::bad_alloc();
  const auto parsed = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER);
  if (parsed == CURLUE_BAD_PORT_NUMBER && has_one_colon_for_the_port(text)) return bad_port(given);
  if (parsed != CURLUE_OK) return bad_url(given);
  const auto scheme = part_of(url.get(), CURLUPART_SCHEME);
  const auto port = part_of(url.get(), CURLUPART_PORT);
  const bool has_path = part_of(url.get(), CURLUPART_PATH).find_first_not_of('/') != std::string::npos ||
                        text.find_first_of("?#") != std::string::npos;
  if ((scheme != "http" && scheme != "https") || has_path || (!has_scheme && port.empty()))
    return bad_url(given);
  if (port == "0") return bad_port(given);
  ServerUrl server{part_of(url.get(), CURLUPART_URL), part_of(url.get(), CURLUPART_HOST), scheme == "https"};
  while (server.text.ends_with('/')) server.text.pop_back();
  if (server.host.starts_with('[')) server.host = server.host.substr(1, server.host.size() - 2);
  return server;
}

/// Returns whether the host is this machine, by name or address. 0.0.0.0 and :: also connect to it.
bool is_loopback(std::string_view host) {
  const std::string text = ascii_lower(host);
  if (text == "localhost" || text.ends_with(".localhost")) return true;
  std::array<unsigned char, 16> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return bytes[0] == 127 || text == "0.0.0.0";
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return false;
  const bool leading_zeros =
      std::all_of(bytes.begin(), bytes.end() - 1, [](unsigned char byte) { return byte == 0; });
  return leading_zeros && bytes.back() <= 1;
}

/// Returns the name of the environment variable that sets the proxy for a scheme, or "". Ignores HTTP_PROXY,
/// because a client of a CGI program can set it.
std::string proxy_variable(bool tls) {
  const std::vector<const char*> names =
      tls ? std::vector{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}
          : std::vector{"http_proxy", "all_proxy", "ALL_PROXY"};
  for (const auto* name : names) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return name;
  }
  return "";
}

/// Accepts a server's certificate if it is the first one of a PEM file or issued by one of the file.
class CertificateFile {
 public:
  CertificateFile(const std::string& path, std::string host) : host_(std::move(host)) {
    const Owned<BIO> file(BIO_new_file(path.c_str(), "r"));
    if (file != nullptr) first_.reset(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
  }
  [[nodiscard]] bool is_readable() const { return first_ != nullptr; }

  /// Replaces OpenSSL's verification; libcurl has added the file's certificates to the store.
  static int verify(X509_STORE_CTX* context, void* self) {
    const auto& trusted = *static_cast<const CertificateFile*>(self);
    // An identical certificate needs neither an authority nor a matching name: a server on 127.0.0.1 may have
    // a certificate for its public name only.
    if (X509_cmp(trusted.first_.get(), X509_STORE_CTX_get0_cert(context)) == 0) {
      X509_STORE_CTX_set_error(context, X509_V_OK);
      return 1;
    }
    auto* const wanted = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, trusted.host_.c_str()) != 1 &&
        X509_VERIFY_PARAM_set1_host(wanted, trusted.host_.c_str(), 0) != 1) {
      X509_STORE_CTX_set_error(context, X509_V_ERR_HOSTNAME_MISMATCH);
      return 0;
    }
    return X509_verify_cert(context);
  }

 private:
  std::string host_;
  Owned<X509> first_;
};

/// A request and its response on a libcurl easy handle, which stores a pointer to this object.
class Exchange {
 public:
  Exchange(const ServerEndpoint& server, const ServerUrl& url, const ClientRequest& request,
           const BodyConsumer& consume)
      : server_(server), url_(url), request_(request), consume_(consume), handle_(curl_easy_init()) {
    if (handle_ == nullptr) throw std::bad_alloc();
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Result<ClientResponse> run() {
    set_up_transport();
    set_up_request();
    DD_TRY(set_up_trust());
    last_activity_ = Clock::now();
    const auto code = curl_easy_perform(handle_.get());
    if (thrown_) std::rethrow_exception(thrown_);
    if (failure_) return *failure_;
    if (code != CURLE_OK) return error_of(code);
    // libcurl treats a connection that ends within the headers as a response without a body.
    if (!has_head_) return cut_off("the connection was closed before the end");
    response_.status = status();
    const char* redirect = nullptr;
    curl_easy_getinfo(handle_.get(), CURLINFO_REDIRECT_URL, &redirect);
    if (redirect != nullptr) response_.redirect = redirect;
    return std::move(response_);
  }

 private:
  /// Sets an option that this libcurl must support. A failure is a bug or lack of memory.
  template <typename Value>
  void set(CURLoption option, Value value) {
    const auto code = curl_easy_setopt(handle_.get(), option, value);
    if (code != CURLE_OK) throw std::runtime_error(fmt::format("libcurl: {}", curl_easy_strerror(code)));
  }

  void add_header(const std::string& line) {
    auto* const longer = curl_slist_append(headers_.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(headers_.release());  // NOLINT(bugprone-unused-return-value): the longer list owns it
    headers_.reset(longer);
  }

  void set_up_transport() {
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_FORBID_REUSE, 1L);
    set(CURLOPT_TCP_KEEPALIVE,
        1L);  // firewalls drop idle connections, and a comparison can take hours
    set(CURLOPT_BUFFERSIZE, kBufferBytes);
    set(CURLOPT_UPLOAD_BUFFERSIZE, kBufferBytes);
    set(CURLOPT_CONNECTTIMEOUT,
        static_cast<long>(std::min<std::int64_t>(request_.patience_s, kConnectPatience.count())));
    set(CURLOPT_ERRORBUFFER, reason_.data());
    if (is_direct()) set(CURLOPT_PROXY, "");
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Exchange::on_progress);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_HEADERFUNCTION, &Exchange::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Exchange::on_response_body);
    set(CURLOPT_WRITEDATA, this);
  }

  void set_up_request() {
    set(CURLOPT_URL, (url_.text + request_.target).c_str());
    set(CURLOPT_PATH_AS_IS, 1L);  // otherwise libcurl removes ".." from paths
    if (request_.method != "GET") {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body_bytes));
      set(CURLOPT_READFUNCTION, &Exchange::on_request_body);
      set(CURLOPT_READDATA, this);
      add_header("Content-Type:");  // otherwise libcurl sends the type of an HTML form
    }
    if (!server_.key.empty()) add_header("Authorization: Bearer " + server_.key);
    for (const auto& [name, value] : request_.headers) add_header(fmt::format("{}: {}", name, value));
    set(CURLOPT_HTTPHEADER, headers_.get());
  }

  Result<void> set_up_trust() {
    if (!url_.tls) return success();
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (server_.certificate.empty()) {
      if (const char* file = std::getenv("SSL_CERT_FILE"); file != nullptr && *file != '\0')
        set(CURLOPT_CAINFO, file);
      if (const char* folder = std::getenv("SSL_CERT_DIR"); folder != nullptr && *folder != '\0')
        set(CURLOPT_CAPATH, folder);
      return success();
    }
    certificate_ = std::make_unique<CertificateFile>(server_.certificate, url_.host);
    if (!certificate_->is_readable()) {
      return Error{
          ErrorCode::invalid_input, "bad-certificate",
          fmt::format("TLS_CERT: {} is not a certificate in PEM", quoted_for_message(server_.certificate)),
          "give the file of the server's certificate, or leave TLS_CERT out to trust the system's "
          "authorities"};
    }
    set(CURLOPT_CAINFO, server_.certificate.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    set(CURLOPT_SSL_VERIFYHOST, 0L);  // CertificateFile::verify checks it
    set(CURLOPT_SSL_CTX_FUNCTION, &Exchange::on_tls_context);
    set(CURLOPT_SSL_CTX_DATA, certificate_.get());
    return success();
  }

  // libcurl is C code, so exceptions must not leave these callbacks.

  static CURLcode on_tls_context(CURL*, void* context, void* certificate) {
    SSL_CTX_set_cert_verify_callback(static_cast<SSL_CTX*>(context), &CertificateFile::verify, certificate);
    return CURLE_OK;
  }

  /// libcurl calls this at least once a second. A non-zero result ends the request.
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    const auto& exchange = *static_cast<const Exchange*>(self);
    const auto silence = Clock::now() - exchange.last_activity_;
    return silence > std::chrono::seconds(exchange.request_.patience_s) ? 1 : 0;
  }

  /// libcurl calls this with each header line of the final response and of interim ones ("100 Continue").
  static std::size_t on_header(char* line, std::size_t size, std::size_t count, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    exchange.last_activity_ = Clock::now();
    const std::string_view text(line, size * count);
    if (text == "\r\n" || text == "\n") exchange.has_head_ = exchange.status() != 0;
    return size * count;
  }

  static std::size_t on_response_body(char* data, std::size_t size, std::size_t count, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    const std::string_view piece(data, size * count);
    return exchange.guard([&] { return exchange.take(piece); }) ? piece.size() : piece.size() + 1;
  }

  static std::size_t on_request_body(char* to, std::size_t size, std::size_t count, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    std::size_t given = 0;
    const bool done = exchange.guard([&]() -> Result<void> {
      DD_TRY(given, exchange.give(to, size * count));
      return success();
    });
    return done ? given : CURL_READFUNC_ABORT;
  }

  /// Stores the error or exception of a callback for run(). The callback's time does not count as silence of
  /// the server.
  template <typename Work>
  bool guard(const Work& work) {
    try {
      const Result<void> done = work();
      if (done.has_error()) failure_ = done.error();
    } catch (...) {
      thrown_ = std::current_exception();
    }
    last_activity_ = Clock::now();
    return !failure_ && !thrown_;
  }

  Result<void> take(std::string_view piece) {
    if (consume_ && status() >= 200 && status() < 300) return consume_(piece);
    response_.body += piece;
    return success();
  }

  /// Copies the next bytes of the request's body. Returns their number, or 0 at the end.
  Result<std::size_t> give(char* to, std::size_t capacity) {
    if (piece_.size() == piece_sent_ && request_.next_body) {
      DD_TRY(piece_, request_.next_body());
      piece_sent_ = 0;
    }
    const auto count = std::min(capacity, piece_.size() - piece_sent_);
    const auto left = request_.body_bytes - body_sent_;
    if (count > left || (count == 0 && left > 0)) {
      return Error{ErrorCode::invalid_input, "body-changed",
                   fmt::format("the file changed while it was sent: it is {} than it was",
                               count > left ? "longer" : "shorter"),
                   "upload it when no other program writes to it"};
    }
    std::memcpy(to, piece_.data() + piece_sent_, count);
    piece_sent_ += count;
    body_sent_ += count;
    return count;
  }

  [[nodiscard]] bool is_direct() const { return server_.on_this_machine || is_loopback(url_.host); }

  /// Returns the status of the final response, or 0 before it begins.
  [[nodiscard]] unsigned status() const {
    long code = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &code);
    return code < 200 ? 0 : static_cast<unsigned>(code);
  }

  /// Returns libcurl's error text, or else the meaning of the code.
  [[nodiscard]] std::string reason(CURLcode code) const {
    return reason_.front() != '\0' ? reason_.data() : curl_easy_strerror(code);
  }

  /// Appends the variable that sets the proxy, if there is one, to the fix.
  [[nodiscard]] std::string with_proxy(std::string fix) const {
    const auto variable = is_direct() ? "" : proxy_variable(url_.tls);
    if (!variable.empty())
      fix += fmt::format("; {} names a proxy, and no_proxy the hosts to reach without it", variable);
    return fix;
  }

  [[nodiscard]] Error no_answer(const std::string& why) const {
    return {ErrorCode::unavailable, "no-answer",
            fmt::format("the server at {} does not answer: {}", server_.address, why),
            with_proxy("check that it runs, then try again")};
  }

  [[nodiscard]] Error cut_off(const std::string& why) const {
    return {ErrorCode::unavailable, "cut-off",
            fmt::format("the response of the server at {} is incomplete: {}", server_.address, why),
            "see the server's log, then try again"};
  }

  [[nodiscard]] Error no_host(const std::string& host) const {
    return {ErrorCode::unavailable, "no-host", fmt::format("the {} cannot be found", host),
            with_proxy("check the name, or give the IP address")};
  }

  [[nodiscard]] Error not_trusted(CURLcode code) const {
    long result = X509_V_OK;
    curl_easy_getinfo(handle_.get(), CURLINFO_SSL_VERIFYRESULT, &result);
    const std::string why = result == X509_V_OK ? reason(code) : X509_verify_cert_error_string(result);
    return {ErrorCode::unavailable, "not-trusted",
            fmt::format("the certificate of the server at {} is not trusted: {}", server_.address, why),
            server_.certificate.empty()
                ? "use the host name of the certificate; or name the server's certificate or its "
                  "authority's: --tls-cert FILE"
                : fmt::format(
                      "name the server's certificate or its authority's in place of {}, and use the host "
                      "name of the certificate; to trust the system's authorities, set neither --tls-cert "
                      "nor TLS_CERT",
                      quoted_for_message(server_.certificate))};
  }

  [[nodiscard]] Error no_tls(CURLcode code) const {
    return {ErrorCode::unavailable, "no-answer",
            fmt::format("no TLS connection with the server at {}: {}", server_.address, reason(code)),
            "if it does not speak TLS, write http:// instead of https://"};
  }

  /// Returns the reason for a failed connection, from the system's error if there is one.
  [[nodiscard]] Error no_connection(CURLcode code) const {
    long number = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_OS_ERRNO, &number);
    return no_answer(number == 0 ? reason(code) : std::generic_category().message(static_cast<int>(number)));
  }

  [[nodiscard]] Error broken(CURLcode code) const {
    long proxy_status = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    if (proxy_status != 0 && proxy_status / 100 != 2)
      return no_answer(fmt::format("the proxy answers {}", proxy_status));
    if (status() != 0) return cut_off("the connection was closed before the end");
    return no_answer(code == CURLE_GOT_NOTHING ? "it closed the connection without a response"
                                               : reason(code));
  }

  [[nodiscard]] Error error_of(CURLcode code) const {
    const auto silence = fmt::format("nothing was received for {} s", request_.patience_s);
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST:
        return no_host("host " + quoted_for_message(url_.host));
      case CURLE_COULDNT_RESOLVE_PROXY:
        return no_host("proxy of " + proxy_variable(url_.tls));
      case CURLE_COULDNT_CONNECT:
        return no_connection(code);
      case CURLE_OPERATION_TIMEDOUT:
        return no_answer(reason(code));
      case CURLE_ABORTED_BY_CALLBACK:
        return status() != 0 ? cut_off(silence) : no_answer(silence);
      case CURLE_PEER_FAILED_VERIFICATION:
        return not_trusted(code);
      case CURLE_SSL_CACERT_BADFILE:
        return Error{ErrorCode::invalid_input, "bad-certificate", reason(code),
                     "check TLS_CERT, SSL_CERT_FILE and SSL_CERT_DIR"};
      case CURLE_SSL_CONNECT_ERROR:
        return no_tls(code);
      case CURLE_UNSUPPORTED_PROTOCOL:  // an HTTP/0.9 response, which can be any bytes
      case CURLE_WEIRD_SERVER_REPLY:
        return no_answer("it does not speak HTTP/1.1; if it speaks TLS, write https://");
      case CURLE_OUT_OF_MEMORY:
        throw std::bad_alloc();
      default:
        return broken(code);
    }
  }

  const ServerEndpoint& server_;
  const ServerUrl& url_;
  const ClientRequest& request_;
  const BodyConsumer& consume_;
  std::array<char, CURL_ERROR_SIZE> reason_{};
  Owned<curl_slist> headers_;
  std::unique_ptr<CertificateFile> certificate_;
  ClientResponse response_;
  std::string piece_;  ///< current piece of the request's body
  std::size_t piece_sent_ = 0;
  std::uint64_t body_sent_ = 0;
  Clock::time_point last_activity_;
  bool has_head_ = false;         ///< whether the final response's headers are complete
  std::optional<Error> failure_;  ///< error of a callback
  std::exception_ptr thrown_;     ///< exception of a callback
  Owned<CURL> handle_;            ///< last member: uses the others
};

}  // namespace

Result<ClientResponse> send_request(const ServerEndpoint& server, const ClientRequest& request,
                                    const BodyConsumer& consume) {
  DD_TRY(const auto url, parse_address(server.address));
  // Initialise libcurl at the first request, so that commands without requests start faster.
  static const auto initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialised != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised");
  return Exchange(server, url, request, consume).run();
}

Result<ClientResponse> send_request(const ServerEndpoint& server, std::string_view method,
                                    const std::string& target) {
  ClientRequest request;
  request.method = method;
  request.target = target;
  return send_request(server, request);
}

}  // namespace deltadrop::cli
