#pragma once

#include <string>
#include <string_view>

#include "ingest/ingest.hpp"

/// An upload's record as JSON: as a catalog row keeps it, and as the manifest beside an archived file. One
/// encoder and one strict reader for both, so that the manifest has every column by construction. State and
/// published_at are not in it: they change after acceptance, a manifest never does. Nor are the times of the
/// steps before acceptance, which nothing is derived from.
namespace deltadrop::ingest {

/// Raised when a field is added, goes or changes its meaning; not for one that stands in few manifests and
/// that an older reader may pass over ("reverts_to", "source").
inline constexpr int kManifestFormat = 1;

/// One compact JSON object.
std::string record_to_json(const UploadRecord& record);
/// corrupt, type "bad-record", naming the field that is missing or wrong.
Result<UploadRecord> record_from_json(std::string_view json);

/// The record with the format's number before and, behind, "checksum": SHA-256 in hex over the object without
/// that member, written compactly. One member a line.
std::string manifest_text(const UploadRecord& record);
/// corrupt, type "damaged-manifest", naming `path` and what is wrong: not JSON, another format, a wrong
/// checksum, a field.
Result<UploadRecord> read_manifest(std::string_view text, const std::filesystem::path& path);

}  // namespace deltadrop::ingest
