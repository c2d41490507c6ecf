#pragma once

#include <cstdint>
#include <string_view>

/// What a route requires of whoever uses it. Transport only carries it from the route to the gate.
namespace deltadrop::http {

/// Who may use a route. Operators may use all of them.
enum class AllowedTo : std::uint8_t {
  everyone,             ///< without an API key too
  any_key,              ///< whatever its role
  readers,              ///< role `read`
  senders,              ///< role `upload`
  readers_and_senders,  ///< role `read` or `upload`
  operators,            ///< role `admin`
};

/// Which company a route tells or changes something of. A key of some companies is held to it.
enum class Scope : std::uint8_t {
  no_company,         ///< nothing of any company: every key passes
  company_in_path,    ///< the first parameter of the path
  company_in_query,   ///< the query parameter `Access::company_parameter`
  company_of_upload,  ///< that of the upload in the first parameter of the path
  whole_server,       ///< all companies: only a key of all companies passes
};

/// Has no default, so that a route without it does not compile.
struct Access {
  constexpr Access(AllowedTo who, Scope what, std::string_view parameter = "company")
      : allowed_to(who), scope(what), company_parameter(parameter) {}

  AllowedTo allowed_to;
  Scope scope;
  std::string_view company_parameter;
};

}  // namespace deltadrop::http
