#include "access/gate.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/table_ref.hpp"
#include "http/problem.hpp"

namespace deltadrop::access {
namespace {

bool reads(const http::Request& request) { return request.method == "GET" || request.method == "HEAD"; }

/// For a path that does not exist, requires the same rights as for a path of another company.
http::Access access_of(const http::Request& request) {
  if (request.access) return *request.access;
  return {reads(request) ? http::AllowedTo::readers : http::AllowedTo::senders, http::Scope::whole_server};
}

bool role_allows(Role role, http::AllowedTo allowed) {
  switch (allowed) {
    case http::AllowedTo::everyone:
    case http::AllowedTo::any_key:
    case http::AllowedTo::readers_and_senders:
      return true;
    case http::AllowedTo::readers:
      return role != Role::upload;
    case http::AllowedTo::senders:
      return role != Role::read;
    case http::AllowedTo::operators:
      return role == Role::admin;
  }
  return false;
}

/// Returns whether the query has this parameter and the key allows each of its values as a company.
bool query_allows(const Key& key, const http::Request& request, std::string_view name) {
  bool any = false;
  for (const auto& [given, value] : request.query) {
    if (given != name) continue;
    if (!key.allows(value)) return false;
    any = true;
  }
  return any;
}

std::optional<std::string> shown_key(const http::Request& request) {
  constexpr std::string_view kScheme = "bearer ";
  if (const auto given = request.header("authorization")) {
    if (!ascii_lower(*given).starts_with(kScheme)) return std::nullopt;
    const auto begin = given->find_first_not_of(' ', kScheme.size());
    return begin == std::string::npos ? std::string() : given->substr(begin);
  }
  return request.header("x-api-key");
}

http::Response key_needed(std::string_view challenge, std::string message) {
  auto response = http::problem({ErrorCode::invalid_input, "key-needed", std::move(message),
                                 "send a key from `deltadrop keys create` as Authorization: Bearer KEY"});
  response.headers.emplace_back("WWW-Authenticate", challenge);
  return response;
}

/// Explains why a key is unusable. Only a client that sends the key learns what happened to it.
std::string why_unusable(const std::optional<Key>& key) {
  if (key && key->revoked_at) {
    return fmt::format("the key {} was revoked at {}", key->id, key->revoked_at->to_string());
  }
  if (key && key->expires_at) {
    return fmt::format("the key {} expired at {}", key->id, key->expires_at->to_string());
  }
  return "this server does not know the key";
}

http::Response not_allowed(std::string message, std::string fix) {
  return http::problem({ErrorCode::invalid_input, "not-allowed", std::move(message), std::move(fix)});
}

class KeyGate {
 public:
  KeyGate(GateOptions options, io::Clock& clock) : options_(std::move(options)), clock_(clock) {}

  std::optional<http::Response> operator()(http::Request& request) const {
    const auto access = access_of(request);
    if (access.allowed_to == http::AllowedTo::everyone) return std::nullopt;
    const auto needed = options_.keys->has_keys();
    if (needed.has_error()) return http::problem(needed.error());
    if (!needed.value() && !options_.keys_required) return std::nullopt;
    const auto shown = shown_key(request);
    if (!shown) return key_needed(R"(Bearer realm="deltadrop")", "this server requires an API key");
    std::optional<Key> unusable;
    const auto key = options_.keys->find(*shown, clock_.now(), &unusable);
    if (key.has_error()) return http::problem(key.error());
    if (!key.value()) {
      return key_needed(R"(Bearer realm="deltadrop", error="invalid_token")", why_unusable(unusable));
    }
    request.key = http::KeyIdentity{key.value()->id, key.value()->name, key.value()->companies};
    return refusal(*key.value(), access, request);
  }

 private:
  std::optional<http::Response> refusal(const Key& key, const http::Access& access,
                                        const http::Request& request) const {
    if (!role_allows(key.role, access.allowed_to)) {
      return not_allowed("the role of this key does not allow this request", "use a key with another role");
    }
    if (key.companies.empty()) return std::nullopt;
    const auto allowed = company_allows(key, access, request);
    if (allowed.has_error()) return http::problem(allowed.error());
    if (allowed.value()) return std::nullopt;
    return not_allowed(
        "this key is restricted to some companies, and the request does not name one of them",
        "name the company: ?company= of lists, POST /upload?company_id=, /api/v1/tables/COMPANY/...");
  }

  [[nodiscard]] Result<bool> company_allows(const Key& key, const http::Access& access,
                                            const http::Request& request) const {
    switch (access.scope) {
      case http::Scope::no_company:
        return true;
      case http::Scope::company_in_path:
        return !request.parameters.empty() && key.allows(request.parameters[0]);
      case http::Scope::company_in_query:
        return query_allows(key, request, access.company_parameter);
      case http::Scope::company_of_upload: {
        if (request.parameters.empty() || !options_.company_of_upload) return false;
        DD_TRY(const auto company, options_.company_of_upload(request.parameters[0]));
        return company.has_value() && key.allows(*company);
      }
      case http::Scope::whole_server:
        return false;
    }
    return false;
  }

  GateOptions options_;
  io::Clock& clock_;
};

}  // namespace

http::Gate make_gate(GateOptions options, io::Clock& clock) { return KeyGate(std::move(options), clock); }

}  // namespace deltadrop::access
