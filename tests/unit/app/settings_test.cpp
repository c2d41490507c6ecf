#include "app/settings.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "io/file.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::app {
namespace {

using namespace std::chrono_literals;

std::optional<std::string> empty_environment(std::string_view) { return std::nullopt; }

Settings::Lookup environment_with(std::string name, std::string value) {
  return [name = std::move(name),
          value = std::move(value)](std::string_view asked) -> std::optional<std::string> {
    if (asked == name) return value;
    return std::nullopt;
  };
}

TEST(Settings, DefaultsAreTheBriefs) {
  const auto settings = Settings::load({}, empty_environment, "").value();
  EXPECT_EQ(settings.data_dir.path, "./data");
  EXPECT_EQ(settings.lake.folder, "./data/parquet");
  EXPECT_EQ(settings.kafka.bootstrap_servers, "localhost:9092");
  EXPECT_EQ(settings.kafka.topic, "cdc-events");
  EXPECT_EQ(settings.postgres.url, "postgresql://postgres:postgres@localhost:5432/cdc_data");
  EXPECT_EQ(settings.consume.group, "cdc-processor");
  EXPECT_EQ(settings.listen.address, (ListenAddress{"127.0.0.1", 8000}));
}

TEST(Settings, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const testing::TemporaryFolder folder;
  const auto file = (folder.path() / "deltadrop.conf").string();
  ASSERT_TRUE(io::write_file_durably(file, "# ours\nHOLD_MIN_ROWS=7\r\n\nDATA_DIR=/from/file\n").has_value());
  const auto environment = environment_with("DATA_DIR", "/from/environment");

  const auto from_file = Settings::load({}, empty_environment, file).value();
  EXPECT_EQ(from_file.data_dir.path, "/from/file");
  EXPECT_EQ(from_file.ingest.hold_min_rows, 7);
  EXPECT_EQ(from_file.setting_of(from_file.data_dir.path).origin, Origin::file);

  const auto from_environment = Settings::load({}, environment, file).value();
  EXPECT_EQ(from_environment.data_dir.path, "/from/environment");
  EXPECT_EQ(from_environment.lake.folder, "/from/environment/parquet");

  const auto from_flag = Settings::load({{"DATA_DIR", "/from/flag"}}, environment, file).value();
  EXPECT_EQ(from_flag.data_dir.path, "/from/flag");
  EXPECT_EQ(from_flag.setting_of(from_flag.data_dir.path).origin, Origin::flag);
  EXPECT_EQ(from_flag.setting_of(from_flag.listen.address).origin, Origin::by_default);
}

TEST(Settings, ParquetFilesHaveAFolderOfTheirOwn) {
  const testing::TemporaryFolder folder;
  const auto data_dir = folder.path() / "data";
  std::filesystem::create_directory_symlink("data", folder.path() / "link");
  const auto load = [&](const std::filesystem::path& parquet_dir) {
    return Settings::load({{"DATA_DIR", data_dir.string()}, {"PARQUET_DIR", parquet_dir.string()}},
                          empty_environment, "");
  };
  for (const auto& made : {false, true}) {
    if (made) std::filesystem::create_directory(data_dir);
    for (const std::string bad :
         {"data", "data/", "data/.", "data/archive", "data/current/x", "data/x/../held"}) {
      const auto settings = load(folder.path() / bad);
      ASSERT_FALSE(settings.has_value()) << bad;
      EXPECT_EQ(settings.error().type, "bad-parquet-dir");
    }
    for (const std::string good : {"data/parquet", "data/lake", "lake", "database", "data/archives"}) {
      EXPECT_TRUE(load(folder.path() / good).has_value()) << good;
    }
  }
  EXPECT_FALSE(load(folder.path() / "link/spool").has_value());
}

TEST(Settings, AFileWithAnUnknownNameIsRefusedWithItsLine) {
  const testing::TemporaryFolder folder;
  const auto file = (folder.path() / "deltadrop.conf").string();
  ASSERT_TRUE(io::write_file_durably(file, "DATA_DIR=/x\nDATADIR=/y\n").has_value());
  const auto loaded = Settings::load({}, empty_environment, file);
  ASSERT_FALSE(loaded.has_value());
  EXPECT_NE(loaded.error().message.find("line 2"), std::string::npos) << loaded.error().message;
}

TEST(Settings, KafkaConfigBecomesLibrdkafkasProperties) {
  const testing::TemporaryFolder folder;
  const auto file = (folder.path() / "deltadrop.conf").string();
  ASSERT_TRUE(
      io::write_file_durably(file, "KAFKA_CONFIG_LINGER_MS=7\nKAFKA_CONFIG_CLIENT_ID=file\n").has_value());
  const Settings::More more{{},
                            {{"KAFKA_CONFIG_CLIENT_ID", "me"}, {"KAFKA_CONFIG_SASL_PASSWORD", "hunter2"}}};
  const auto settings = Settings::load({}, empty_environment, file, more).value();
  const std::map<std::string, std::string> expected = {
      {"client.id", "me"}, {"linger.ms", "7"}, {"sasl.password", "hunter2"}};
  EXPECT_EQ(settings.kafka.properties, expected);
  EXPECT_NE(settings.describe().find("KAFKA_CONFIG_LINGER_MS"), std::string::npos);
  EXPECT_EQ(settings.describe().find("hunter2"), std::string::npos) << settings.describe();
}

TEST(Settings, AreDescribedInColumns) {
  const auto settings = Settings::load({}, empty_environment, "").value();
  std::istringstream lines(settings.describe());
  std::string line;
  std::getline(lines, line);
  const auto from = line.find("FROM");
  while (std::getline(lines, line)) EXPECT_EQ(line.rfind("default"), from) << line;
}

TEST(Settings, ACommandsOwnDefaultIsADefault) {
  const Settings::More more{[](Settings& defaults) { defaults.listen.address.port = 8001; }, {}};
  const auto settings = Settings::load({}, empty_environment, "", more).value();
  EXPECT_EQ(settings.listen.address.port, 8001);
  EXPECT_EQ(settings.setting_of(settings.listen.address).origin, Origin::by_default);
  EXPECT_EQ(settings.setting_of(settings.listen.address).shown, "127.0.0.1:8001");
  const auto given = Settings::load({{"LISTEN", ":9"}}, empty_environment, "", more).value();
  EXPECT_EQ(given.listen.address.port, 9);
}

TEST(Settings, OfATopicThatIsMade) {
  const auto settings = Settings::load({}, empty_environment, "").value();
  EXPECT_EQ(settings.kafka.partitions, 6);
  EXPECT_EQ(settings.kafka.replication, -1);
  EXPECT_EQ(settings.kafka.retention, std::chrono::milliseconds(-1));
  const auto given =
      Settings::load({{"KAFKA_REPLICATION", "3"}, {"KAFKA_RETENTION", "30d"}}, empty_environment, "");
  EXPECT_EQ(given.value().kafka.replication, 3);
  EXPECT_EQ(given.value().kafka.retention, 720h);
}

TEST(Settings, OfSeveralModulesReachEachOfThem) {
  const Settings::Values flags = {{"KAFKA_TOPIC", "t"},          {"PUBLISH_TIMEOUT", "17s"},
                                  {"MAX_UPLOADS", "5"},          {"MAX_EVENT_BYTES", "64KiB"},
                                  {"TIMEZONE", "Europe/Zurich"}, {"DATA_DIR", "/d"}};
  const auto settings = Settings::load(flags, empty_environment, "").value();
  EXPECT_EQ(settings.kafka.topic, "t");
  EXPECT_EQ(settings.consume.topic, "t");
  EXPECT_EQ(settings.ingest.publish_timeout, 17s);
  EXPECT_EQ(settings.kafka.publish_timeout, 17s);
  EXPECT_EQ(settings.http.uploads_max, 5U);
  EXPECT_EQ(settings.ingest.waiting_max, 5U);
  EXPECT_EQ(settings.ingest.limits.event_bytes_max, std::size_t{64} << 10);
  EXPECT_EQ(settings.kafka.message_bytes_max, std::size_t{64} << 10);
  EXPECT_EQ(settings.time_zone.name(), "Europe/Zurich");
  EXPECT_EQ(settings.ingest.data_dir, "/d");
  EXPECT_EQ(settings.lake.folder, "/d/parquet");
  EXPECT_EQ(settings.access.keys_file, "/d/keys");
}

TEST(Settings, KnowWhereTheirMembersComeFromAfterACopy) {
  const auto loaded = Settings::load({{"KAFKA_TOPIC", "t"}}, empty_environment, "").value();
  const Settings copy = loaded;
  EXPECT_EQ(copy.setting_of(copy.consume.topic).name, "KAFKA_TOPIC");
  EXPECT_EQ(copy.setting_of(copy.kafka.topic).origin, Origin::flag);
  EXPECT_FALSE(copy.setting_of(copy.lake.folder).given);
}

/// A module's initialiser is the setting's default, and its text can be read back.
TEST(Settings, DefaultsAreWrittenAsTheyAreRead) {
  const auto settings = Settings::load({}, empty_environment, "").value();
  Settings::Values written;
  for (const auto& setting : settings.all()) {
    if (setting.name != "DATABASE_URL") written.emplace(setting.name, setting.shown);  // its value is masked
  }
  EXPECT_EQ(written["TIMEZONE"], "UTC");
  EXPECT_EQ(written["DISK_RESERVE"], "64MiB");
  EXPECT_EQ(written["MAX_EVENT_BYTES"], "1000000");
  EXPECT_EQ(written["HELD_TTL"], "30d");
  EXPECT_EQ(written["CLOCK_JUMP_MAX"], "24h");
  EXPECT_EQ(written["COMPARE_TIMEOUT"], "10m");
  EXPECT_EQ(written["IDLE_TIMEOUT"], "60s");
  EXPECT_EQ(written["BATCH_WAIT"], "20ms");
  EXPECT_EQ(written["KAFKA_RETENTION"], "-1");
  EXPECT_EQ(written["PARQUET_LAYOUT"], "upload");
  const auto again = Settings::load(written, empty_environment, "");
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again.value().ingest.held_ttl, settings.ingest.held_ttl);
  EXPECT_EQ(again.value().ingest.upload_bytes_max, settings.ingest.upload_bytes_max);
  EXPECT_EQ(again.value().listen.address, settings.listen.address);
}

TEST(Settings, AreWrittenWithTheLargestUnitThatFits) {
  EXPECT_EQ(DurationType::write(24h), "24h");
  EXPECT_EQ(DurationType::write(48h), "2d");
  EXPECT_EQ(DurationType::write(1h), "1h");
  EXPECT_EQ(DurationType::write(90min), "90m");
  EXPECT_EQ(DurationType::write(1500ms), "1500ms");
  EXPECT_EQ(DurationType::write(0ms), "0ms");
  EXPECT_EQ(BytesType::write(std::uint64_t{3} << 30), "3GiB");
  EXPECT_EQ(BytesType::write(1025), "1025");
  EXPECT_EQ(AddressType::write({"::1", 80}), "[::1]:80");
}

struct BadSetting {
  std::string name;
  std::string value;
};

class SettingsRefuse : public ::testing::TestWithParam<BadSetting> {};

TEST_P(SettingsRefuse, NamingSettingValueAndOrigin) {
  const auto loaded = Settings::load({}, environment_with(GetParam().name, GetParam().value), "");
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().type, "bad-setting");
  EXPECT_NE(loaded.error().message.find(GetParam().name), std::string::npos) << loaded.error().message;
  EXPECT_NE(loaded.error().message.find(GetParam().value), std::string::npos) << loaded.error().message;
  EXPECT_NE(loaded.error().message.find("environment"), std::string::npos) << loaded.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SettingsRefuse,
    ::testing::Values(BadSetting{"HOLD_DELETE_FRACTION", "1.5"}, BadSetting{"HOLD_MIN_ROWS", "-1"},
                      BadSetting{"HOLD_MIN_ROWS", "20x"}, BadSetting{"HELD_TTL", "soon"},
                      BadSetting{"KAFKA_REPLICATION", "0"}, BadSetting{"KAFKA_PARTITIONS", "-1"},
                      BadSetting{"KAFKA_PARTITIONS", "5000000000"}, BadSetting{"KAFKA_REPLICATION", "40000"},
                      BadSetting{"KAFKA_RETENTION", "-2"}, BadSetting{"MAX_UPLOAD_BYTES", "5GB"},
                      BadSetting{"MAX_HEADER_BYTES", "2MiB"}, BadSetting{"LISTEN", "127.0.0.1"},
                      BadSetting{"LISTEN", "127.0.0.1:70000"}, BadSetting{"INSECURE", "maybe"},
                      BadSetting{"TIMEZONE", "Europe/Zuerich"}, BadSetting{"TIMEZONE", "CEST"},
                      BadSetting{"PARQUET_LAYOUT", "upload|event"}, BadSetting{"LOG_LEVEL", "loud"}));

TEST(Settings, Durations) {
  EXPECT_EQ(parse_duration("30").value(), 30s);
  EXPECT_EQ(parse_duration("500ms").value(), 500ms);
  EXPECT_EQ(parse_duration("1.5h").value(), 90min);
  EXPECT_EQ(parse_duration("30d").value(), 720h);
  EXPECT_FALSE(parse_duration("").has_value());
  EXPECT_FALSE(parse_duration("10 s").has_value());
}

TEST(Settings, ListenAddresses) {
  EXPECT_EQ(parse_listen_address(":9000").value(), (ListenAddress{"127.0.0.1", 9000}));
  EXPECT_EQ(parse_listen_address("9000").value(), (ListenAddress{"127.0.0.1", 9000}));
  EXPECT_EQ(parse_listen_address("[::1]:9000").value(), (ListenAddress{"::1", 9000}));
  EXPECT_EQ(parse_listen_address("0.0.0.0:0").value(), (ListenAddress{"0.0.0.0", 0}));
  EXPECT_TRUE(parse_listen_address("localhost:1").value().loopback());
  EXPECT_TRUE(parse_listen_address("127.9.9.9:1").value().loopback());
  EXPECT_FALSE(parse_listen_address("0.0.0.0:1").value().loopback());
}

TEST(Settings, DescribeMasksPasswords) {
  for (const std::string url :
       {"postgresql://u:hunter2@db:5432/x", "host=db password=hunter2 user=u",
        "host=db password='hunter2 hunter2' user=u", R"(password = 'it\'s hunter2' host=db)",
        "host=db user=u sslpassword=hunter2", "postgresql://u@db/x?sslpassword=hunter2",
        "postgresql://u:a%40hunter2@db/x", "postgresql://db/x?password=hunter2&user=u",
        "postgresql://u:hunter2@[db", "postgres://u:hunter2@db1,db2:5433/x",
        "postgresql://u:hunter2@db/x?nonsense=1", "host=db password='hunter2", "password=hunter2 nonsense=1",
        "dbname=postgresql://u:hunter2@h/x", "dbname='host=h password=hunter2'",
        "postgresql://u:p@db:5432/postgresql://u:hunter2@h/x", "dbname=mysql://u:hunter2@h/x"}) {
    const auto settings = Settings::load({{"DATABASE_URL", url}}, empty_environment, "").value();
    EXPECT_EQ(settings.describe().find("hunter2"), std::string::npos) << settings.describe();
    EXPECT_NE(settings.describe().find("***"), std::string::npos);
  }
}

TEST(Settings, SecretsAreNeverShown) {
  const std::string one(32, 'a');
  const std::string two(40, 'b');
  const auto settings = Settings::load({{"EVENT_KEY", one + "," + two}}, empty_environment, "").value();
  EXPECT_EQ(settings.kafka.signature_keys, (std::vector<std::string>{one, two}));
  EXPECT_EQ(settings.describe().find(one), std::string::npos);
  EXPECT_EQ(settings.describe().find(two), std::string::npos);
  EXPECT_TRUE(Settings::load({}, empty_environment, "").value().kafka.signature_keys.empty());
  for (const auto& bad : {std::string("short"), one + ",short", one + ","}) {
    const auto refused = Settings::load({{"EVENT_KEY", bad}}, empty_environment, "");
    ASSERT_TRUE(refused.has_error()) << bad;
    EXPECT_EQ(refused.error().text().find("short"), std::string::npos) << refused.error().text();
    EXPECT_EQ(refused.error().text().find(one), std::string::npos);
  }
}

TEST(Settings, EverySettingHasAFlagOfItsName) {
  for (const auto& setting : all_settings()) {
    EXPECT_EQ(setting.option_name().find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string::npos);
    EXPECT_FALSE(setting.help.empty()) << setting.name;
  }
}

}  // namespace
}  // namespace deltadrop::app
