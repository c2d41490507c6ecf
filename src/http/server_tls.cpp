#include "http/server_tls.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace deltadrop::http {
namespace {

namespace ssl = boost::asio::ssl;

constexpr std::chrono::milliseconds kPatience{100};
using boost::system::error_code;

Error bad_certificate(const std::filesystem::path& path, const error_code& error, std::string fix) {
  return {ErrorCode::invalid_input, "bad-certificate",
          fmt::format("cannot use {} for TLS: {}", path.string(), error.message()), std::move(fix)};
}

Result<std::shared_ptr<ssl::context>> make_context(const TlsFiles& files) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context->native_handle(),
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
  // For TLS 1.2, allow only authenticated encryption with forward secrecy (RFC 9325 section 4.2). TLS 1.3 has
  // nothing else.
  SSL_CTX_set_cipher_list(context->native_handle(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  error_code error;
  context->use_certificate_chain_file(files.certificate.string(), error);
  if (error) {
    return bad_certificate(files.certificate, error,
                           "set TLS_CERT to a PEM file with the certificate and its chain");
  }
  context->use_private_key_file(files.key.string(), ssl::context::pem, error);
  if (error) {
    return bad_certificate(files.key, error,
                           "set TLS_KEY to a PEM file with the key of TLS_CERT, without a password");
  }
  return context;
}

}  // namespace

Result<std::unique_ptr<TlsContexts>> TlsContexts::load(const TlsFiles& files) {
  std::unique_ptr<TlsContexts> contexts(new TlsContexts(files));
  contexts->seen_ = contexts->stamps();
  DD_TRY(contexts->context_, make_context(files));
  contexts->latest_ = contexts->context_;
  return contexts;
}

TlsContexts::TlsContexts(TlsFiles files)
    : files_(std::move(files)), probe_(kPatience, std::chrono::steady_clock::duration::max()) {}

std::shared_ptr<ssl::context> TlsContexts::current() {
  if (auto seen = probe_.look([this] { return look(); }); seen.answer) latest_ = std::move(*seen.answer);
  return latest_;
}

TlsContexts::Context TlsContexts::look() {
  const auto now = stamps();
  if (now == seen_) return context_;
  // Set it before reading the files, so that the next look detects a concurrent write.
  seen_ = now;
  auto made = make_context(files_);
  if (made.has_value()) {
    context_ = std::move(made).value();
    spdlog::info("reloaded the certificate {}", files_.certificate.string());
  } else {
    spdlog::error("{}; the previous certificate stays in use", made.error().text());
  }
  return context_;
}

TlsContexts::Stamps TlsContexts::stamps() const {
  std::error_code ignored;
  Stamps stamps;
  stamps.certificate = std::filesystem::last_write_time(files_.certificate, ignored);
  stamps.key = std::filesystem::last_write_time(files_.key, ignored);
  return stamps;
}

}  // namespace deltadrop::http
