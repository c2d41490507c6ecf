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
  EXPECT_EQ(settings.text("DATA_DIR"), "./data");
  EXPECT_EQ(settings.parquet_dir(), "./data/parquet");
  EXPECT_EQ(settings.text("KAFKA_BOOTSTRAP_SERVERS"), "localhost:9092");
  EXPECT_EQ(settings.text("KAFKA_TOPIC"), "cdc-events");
  EXPECT_EQ(settings.text("DATABASE_URL"), "postgresql://postgres:postgres@localhost:5432/cdc_data");
  EXPECT_EQ(settings.text("CONSUMER_GROUP"), "cdc-processor");
  EXPECT_EQ(settings.address("LISTEN"), (ListenAddress{"127.0.0.1", 8000}));
}

TEST(Settings, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const testing::TemporaryFolder folder;
  const auto file = (folder.path() / "deltadrop.conf").string();
  ASSERT_TRUE(io::write_file_durably(file, "# ours\nHOLD_MIN_ROWS=7\r\n\nDATA_DIR=/from/file\n").has_value());
  const auto environment = environment_with("DATA_DIR", "/from/environment");

  const auto from_file = Settings::load({}, empty_environment, file).value();
  EXPECT_EQ(from_file.text("DATA_DIR"), "/from/file");
  EXPECT_EQ(from_file.count("HOLD_MIN_ROWS"), 7);
  EXPECT_EQ(from_file.origin("DATA_DIR"), "file");

  const auto from_environment = Settings::load({}, environment, file).value();
  EXPECT_EQ(from_environment.text("DATA_DIR"), "/from/environment");
  EXPECT_EQ(from_environment.parquet_dir(), "/from/environment/parquet");

  const auto from_flag = Settings::load({{"DATA_DIR", "/from/flag"}}, environment, file).value();
  EXPECT_EQ(from_flag.text("DATA_DIR"), "/from/flag");
  EXPECT_EQ(from_flag.origin("DATA_DIR"), "flag");
  EXPECT_EQ(from_flag.origin("LISTEN"), "default");
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
  EXPECT_EQ(settings.kafka_properties(), expected);
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
  const Settings::More more{{{"LISTEN", "127.0.0.1:8001"}}, {}};
  const auto settings = Settings::load({}, empty_environment, "", more).value();
  EXPECT_EQ(settings.address("LISTEN").port, 8001);
  EXPECT_EQ(settings.origin("LISTEN"), "default");
  const auto given = Settings::load({{"LISTEN", ":9"}}, empty_environment, "", more).value();
  EXPECT_EQ(given.address("LISTEN").port, 9);
}

TEST(Settings, OfATopicThatIsMade) {
  const auto settings = Settings::load({}, empty_environment, "").value();
  EXPECT_EQ(settings.count("KAFKA_PARTITIONS"), 6);
  EXPECT_EQ(settings.count("KAFKA_REPLICATION"), -1);
  EXPECT_EQ(settings.duration("KAFKA_RETENTION"), std::chrono::milliseconds(-1));
  const auto given =
      Settings::load({{"KAFKA_REPLICATION", "3"}, {"KAFKA_RETENTION", "30d"}}, empty_environment, "");
  EXPECT_EQ(given.value().count("KAFKA_REPLICATION"), 3);
  EXPECT_EQ(given.value().duration("KAFKA_RETENTION"), 720h);
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
                      BadSetting{"KAFKA_RETENTION", "-2"}, BadSetting{"MAX_UPLOAD_BYTES", "5GB"},
                      BadSetting{"MAX_HEADER_BYTES", "2MiB"}, BadSetting{"LISTEN", "127.0.0.1"},
                      BadSetting{"LISTEN", "127.0.0.1:70000"}, BadSetting{"INSECURE", "maybe"},
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
        "postgresql://u:hunter2@[db", "postgres://u:hunter2@db1,db2:5433/x"}) {
    const auto settings = Settings::load({{"DATABASE_URL", url}}, empty_environment, "").value();
    EXPECT_EQ(settings.describe().find("hunter2"), std::string::npos) << settings.describe();
    EXPECT_NE(settings.describe().find("***"), std::string::npos);
  }
}

TEST(Settings, SecretsAreNeverShown) {
  const std::string one(32, 'a');
  const std::string two(40, 'b');
  const auto settings = Settings::load({{"EVENT_KEY", one + "," + two}}, empty_environment, "").value();
  EXPECT_EQ(settings.secrets("EVENT_KEY"), (std::vector<std::string>{one, two}));
  EXPECT_EQ(settings.describe().find(one), std::string::npos);
  EXPECT_EQ(settings.describe().find(two), std::string::npos);
  EXPECT_TRUE(Settings::load({}, empty_environment, "").value().secrets("EVENT_KEY").empty());
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
