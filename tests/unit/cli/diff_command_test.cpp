#include "cli/diff_command.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "cli/diff_output.hpp"
#include "io/file.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::cli {
namespace {

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

class DiffCommand : public ::testing::Test {
 protected:
  std::string save(const std::string& name, const std::string& bytes) {
    const auto path = folder_.path() / name;
    EXPECT_TRUE(io::write_file_durably(path, bytes).has_value());
    return path.string();
  }

  static Ran run(std::vector<std::string> arguments) {
    Ran ran;
    CLI::App app("deltadrop");
    add_diff_command(app, ran.code);
    arguments.insert(arguments.begin(), "diff");
    std::reverse(arguments.begin(), arguments.end());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    app.parse(arguments);
    ran.out = ::testing::internal::GetCapturedStdout();
    ran.err = ::testing::internal::GetCapturedStderr();
    return ran;
  }

  Ran compare(const std::string& before, const std::string& after, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {save("old.csv", before), save("new.csv", after)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }

 private:
  testing::TemporaryFolder folder_;
};

TEST_F(DiffCommand, ExitsLikeDiff) {
  EXPECT_EQ(compare("id,a\n1,x\n", "id,a\n\"1\",x\r\n").code, 0);
  EXPECT_EQ(compare("id,a\n1,x\n", "id,a\n1,y\n").code, 1);
  EXPECT_EQ(compare("id,a\n1,x\n", "id,a,b\n1,x,\n").code, 1) << "a new column is a difference";
  EXPECT_EQ(compare("id,a\n1,x\n", "id,a\n1\n").code, 2);
  EXPECT_EQ(run({"/nonexistent/a.csv", "/nonexistent/b.csv"}).code, 2);
}

TEST_F(DiffCommand, WarnsOfAQuoteInsideAnUnquotedValueOfTheNewFile) {
  const auto ran = compare("id,a\n1,4\"\n2,x\n", "id,a\n1,x\n2,5\" pipe\n");
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.err.find("new.csv:3: warning: line 3, column \"a\": \"5\" pipe\" has a quote inside"),
            std::string::npos)
      << ran.err;
  EXPECT_NE(ran.err.find("; 1 value in the file has one; "), std::string::npos) << ran.err;
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  EXPECT_EQ(compare("id,a\n1,4\"\n", "id,a\n1,\"4\"\"\"\n").err, "");
}

TEST_F(DiffCommand, TakesTheOptionsOfReading) {
  const auto out = [&](const std::string& before, const std::string& after, std::vector<std::string> more) {
    more.insert(more.end(), {"--summary", "--format", "csv"});
    const auto ran = compare(before, after, more);
    return ran.code == 2 ? ran.err : ran.out.substr(ran.out.find('\n') + 1);
  };
  EXPECT_EQ(out("Title\n\nid,a\n1,x\n", "Title\nMore\n\nid,a\n1,y\n", {"--skip-lines", "auto"}),
            "0,1,0,1,1\n");
  EXPECT_EQ(out("T\nid,a\n1,x\n", "U\nid,a\n1,x\n", {"--skip-lines", "1"}), "0,0,0,1,1\n");
  EXPECT_EQ(out("id,a\n1,x\nend\n", "id,a\n1,x\nEnd\n", {"--skip-footer", "1"}), "0,0,0,1,1\n");
  EXPECT_EQ(out("id,a\n1,x\nTotal,1\n", "id,a\n1,x\nTotal,2\n", {"--footer", "Total,END"}), "0,0,0,1,1\n");
  EXPECT_EQ(out("1,x\n", "1,y\n2,z\n", {"--header", "none", "--columns", "id,a"}), "1,1,0,1,2\n");
  EXPECT_EQ(out(",id,a\n0,1,x\n", ",id,a\n7,1,x\n", {"--unnamed", "drop"}), "0,0,0,1,1\n");
  EXPECT_EQ(out("id,a\n1,\n", "id,a\n1\n", {"--short-rows", "pad"}), "0,0,0,1,1\n");
  EXPECT_EQ(out("id,a\n1,\n", "id,a\n1,\"\"\n", {"--empty", "quoted"}), "0,1,0,1,1\n");
  EXPECT_EQ(out("id,a\n1,\n", "id,a\n1,\"\"\n", {}), "0,0,0,1,1\n");
}

TEST_F(DiffCommand, NamesItsOwnOptionsInAFix) {
  EXPECT_NE(compare("id,a\n1,x\n", ",isin,px\n0,D,9\n").err.find("--unnamed number"), std::string::npos);
  EXPECT_NE(compare("a^b\n1^2\n", "a^b\n1^2\n").err.find("--delimiter ^"), std::string::npos);
  EXPECT_NE(compare("T,,\nid,a,b\n1,x,y\n", "id,a,b\n").err.find("--skip-lines 1 or --skip-lines auto"),
            std::string::npos);
}

TEST_F(DiffCommand, SaysWhatItSkipped) {
  EXPECT_NE(compare("id,a\n1,x\n", "id,a\n,\n1,x\n\nid,a\n")
                .err.find("new.csv: skipped 2 blank rows, 1 repeated header"),
            std::string::npos);
  EXPECT_EQ(compare("id,a\n,\n1,x\n", "id,a\n1,x\n").err, "");
}

TEST_F(DiffCommand, ReadsPipesByTheirNames) {
  const std::string pipe = save("beside.csv", "") + ".pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread feeder([&] { std::ofstream(pipe) << "id,a\n1,x\n"; });
  const auto ran = run({pipe, save("new.csv", "id,a\n1,y\n")});
  feeder.join();
  EXPECT_EQ(ran.code, 1) << ran.err;
  EXPECT_NE(ran.out.find("a: x -> y"), std::string::npos) << ran.out;
}

TEST_F(DiffCommand, SaysThatAFileIsCompressed) {
  for (const auto& [magic, name] :
       {std::pair<std::string, std::string>{"\x1F\x8B\x08", "gzip"}, {"\x28\xB5\x2F\xFD", "zstd"}}) {
    const auto ran = compare(magic + std::string(8, '\0'), "id,a\n1,y\n");
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("old.csv is compressed with " + name), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find(name + " -dc"), std::string::npos) << ran.err;
  }
}

TEST_F(DiffCommand, SummarisesInEveryFormat) {
  const std::string before = "id,a,b\n1,x,p\n2,y,q\n3,z,r\n";
  const std::string after = "id,a\n1,x\n2,Y\n4,w\n5,v\n";
  EXPECT_EQ(compare(before, after, {"--summary", "--format", "json"}).out,
            "{\"inserted\":2,\"updated\":2,\"deleted\":1,\"rows_before\":3,\"rows\":4,"
            "\"schema_changes\":[{\"column\":\"b\",\"change\":\"removed\"}]}\n");
  EXPECT_EQ(compare(before, after, {"--summary", "--format", "csv"}).out,
            "inserted,updated,deleted,rows_before,rows\n2,2,1,3,4\n");
  const auto text = compare(before, after, {"--summary"});
  EXPECT_EQ(text.code, 1);
  EXPECT_EQ(text.out,
            "column removed: b (held 3 values)\n2 inserted, 2 updated, 1 deleted; 3 rows before, 4 now\n");
}

TEST_F(DiffCommand, ShowsChangesToPeople) {
  const auto ran = compare("id,a,b\n1,x,p\n2,y,q\n3,z,r\n", "id,a\n1,x\n2,Y\n4,w\n");
  EXPECT_EQ(ran.out,
            "- 3\n"
            "~ 1  b: p -> (none)\n"
            "~ 2  a: y -> Y\n"
            "~ 2  b: q -> (none)\n"
            "+ 4\n"
            "column removed: b (held 3 values)\n"
            "1 inserted, 2 updated, 1 deleted; 3 rows before, 3 now\n");
  EXPECT_EQ(ran.err, "");
}

TEST_F(DiffCommand, WritesJson) {
  const auto ran = compare("id,a\n1,x\n", "id,a\n1,\"y\n\"\n", {"--format", "json"});
  EXPECT_EQ(ran.out,
            R"({"event_type":"update","key_column":"id","key_value":"1","old_values":{"id":"1","a":"x"},)"
            R"("new_values":{"id":"1","a":"y\n"},"changed_columns":["a"],"line":2})"
            "\n");
}

TEST_F(DiffCommand, WritesCsv) {
  const auto ran = compare("id,a,b\n1,x,\n2,y,\n", "id,a,b\n2,\"y,z\",q\n3,,w\n", {"--format", "csv"});
  EXPECT_EQ(ran.out,
            "change,key,column,old,new\n"
            "delete,1,id,1,\n"
            "delete,1,a,x,\n"
            "update,2,a,y,\"y,z\"\n"
            "update,2,b,,q\n"
            "insert,3,id,,3\n"
            "insert,3,b,,w\n");
}

TEST_F(DiffCommand, ReadsAsItIsTold) {
  EXPECT_EQ(
      compare("a,b,seen\n1,x,1\n1,y,1\n", "a,b,seen\n1,y,2\n1,x,2\n", {"--key", "a,b", "--ignore", "seen"})
          .code,
      0);
  EXPECT_EQ(compare("id,a\n1,\xE9\n", "id,a\n1,\xE9\n", {"--encoding", "latin-1"}).code, 0);
  EXPECT_EQ(compare("a^b,c\n1^x\n", "a^b,c\n1^y\n", {"--delimiter", "^"}).code, 1);
  EXPECT_EQ(compare("id,a\n1,x\n", "a,id\nx,1\n").code, 0) << "the older file's first column is the key";
  const auto rekeyed = compare("id,a\n1,x\n", "a,id\nx,1\n", {"--rekey"});
  EXPECT_EQ(rekeyed.code, 1);
  EXPECT_EQ(rekeyed.out, "- 1\n+ x\n1 inserted, 0 updated, 1 deleted; 1 row before, 1 now\n");
}

TEST_F(DiffCommand, NamesPlaceAndFixOfFindings) {
  const auto in_new = compare("id,a\n1,x\n", "id,a\n1,x\n2,\"y\"z\n1,x\n");
  EXPECT_EQ(in_new.code, 2);
  EXPECT_NE(in_new.err.find("new.csv:3: a: "), std::string::npos) << in_new.err;
  EXPECT_NE(in_new.err.find("new.csv:4: id: repeated key \"1\" in lines 2 and 4; keys must be unique"),
            std::string::npos)
      << in_new.err;
  EXPECT_NE(in_new.err.find("name more key columns with --key\n"), std::string::npos) << in_new.err;
  const auto encoded = compare("id,a\n1,x\n", "id,a\n1,\xE9\n");
  EXPECT_NE(encoded.err.find("with --encoding, such as windows-1252"), std::string::npos) << encoded.err;
  const auto keyless = compare("id,a\n1,x\n", "id,a\n1,x\n", {"--key", "none"});
  EXPECT_NE(keyless.err.find("name the key with --key, or"), std::string::npos) << keyless.err;
  const auto in_old = compare("id,a\n1\n", "id,a\n1,x\n");
  EXPECT_EQ(in_old.code, 2);
  EXPECT_NE(in_old.err.find("old.csv:2: line 2 has 1 field,"), std::string::npos) << in_old.err;
}

TEST_F(DiffCommand, RefusesOptionsThatMakeNoSense) {
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{{"--format", "xml"},
                                                                                    {"--encoding", "x"},
                                                                                    {"--delimiter", "ab"},
                                                                                    {"--key", "a,,b"},
                                                                                    {"--empty", "maybe"}}) {
    const auto ran = compare("id,a\n1,x\n", "id,a\n1,x\n", more);
    EXPECT_EQ(ran.code, 2) << more[0];
    EXPECT_NE(ran.err.find(more[1]), std::string::npos) << ran.err;
  }
}

TEST_F(DiffCommand, NeverLetsDataDriveTheTerminal) {
  const auto ran = compare("id,a\n1,x\n", "id,a\n1,\"\x1B[31m\r\xC2\x9B\"\n\"\x07\",y\n");
  EXPECT_NE(ran.out.find("\\x1B[31m\\x0D\\u{009B}"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("+ \\x07\n"), std::string::npos) << ran.out;
}

TEST(TerminalSafe, LeavesTextAlone) {
  EXPECT_EQ(terminal_safe("caf\xC3\xA9 \xF0\x9F\x93\x88 \\n"), "caf\xC3\xA9 \xF0\x9F\x93\x88 \\n");
  EXPECT_EQ(terminal_safe("a\xE2\x80\xAE"
                          "b\xFF\x7F"),
            "a\\u{202E}b\\xFF\\x7F");
}

TEST_F(DiffCommand, ComparesNumbers) {
  const std::string before = "id,a\n1,1000\n2,1.10\n3,2\n";
  const std::string after = "id,a\n1,\"1.000,00\"\n2,\"1,1\"\n3,\"2,004\"\n";
  EXPECT_EQ(compare(before, after, {"--summary"}).out,
            "0 inserted, 3 updated, 0 deleted; 3 rows before, 3 now\n");
  const std::vector<std::string> numeric = {"--types",   "a:decimal(2, ',')", "--compare",
                                            "numeric:a", "--tolerance",       "0.005"};
  const auto with = [&](std::string format) {
    auto arguments = numeric;
    arguments.insert(arguments.end(), {"--summary", "--format", std::move(format)});
    return compare("id,a\n1,1000\n2,\"1,10\"\n3,2\n", after, arguments);
  };
  const auto text = with("text");
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(text.out,
            "0 inserted, 0 updated, 0 deleted; 3 rows before, 3 now\n"
            "2 values written differently, with the same number\n1 number within the tolerance\n");
  EXPECT_EQ(with("json").out,
            "{\"inserted\":0,\"updated\":0,\"deleted\":0,\"rows_before\":3,\"rows\":3,\"schema_changes\":[],"
            "\"written_differently\":2,\"within_tolerance\":1}\n");
  EXPECT_EQ(
      with("csv").out,
      "inserted,updated,deleted,rows_before,rows,written_differently,within_tolerance\n0,0,0,3,3,2,1\n");
}

TEST_F(DiffCommand, ComparesKeysByRules) {
  const std::string before = "isin,px\nDE01,1\nfr02,2\n";
  const std::string after = "isin,px\nDE01 ,1\nFR02,3\n";
  const auto plain = compare(before, after);
  EXPECT_EQ(plain.code, 1);
  EXPECT_NE(
      plain.err.find("warning: the deleted key \"DE01\" (line 2 of the older version) and the inserted key "
                     "\"DE01 \" (line 2) differ only in blanks; give --key-trim if they are one key"),
      std::string::npos)
      << plain.err;
  EXPECT_NE(plain.err.find("give --key-case ignore if"), std::string::npos) << plain.err;
  EXPECT_EQ(compare(before, after, {"--key-trim", "--key-case", "ignore"}).out,
            "~ DE01  isin: DE01 -> DE01 \n~ FR02  isin: fr02 -> FR02\n~ FR02  px: 2 -> 3\n"
            "0 inserted, 2 updated, 0 deleted; 2 rows before, 2 now\n");
}

TEST_F(DiffCommand, WarnsOfBrokenTypesAndRefusesBadOptions) {
  const std::string file = "id,px\n1,2.50\n2,n/a\n";
  EXPECT_NE(compare(file, file, {"--types", "px:decimal(2)"})
                .err.find("line 3, column \"px\": \"n/a\" is not a value"),
            std::string::npos);
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--types", "px:decimal(3)"},
                                             {"--compare", "numbers"},
                                             {"--tolerance", "0.1"},
                                             {"--compare", "numeric", "--tolerance", "-1"},
                                             {"--key-case", "lower"},
                                             {"--key-unicode", "nfkc"}}) {
    const auto ran = compare(file, file, arguments);
    EXPECT_EQ(ran.code, 2) << arguments.front();
    EXPECT_TRUE(ran.out.empty());
    EXPECT_TRUE(ran.err.starts_with("deltadrop diff: ")) << ran.err;
  }
}

}  // namespace
}  // namespace deltadrop::cli
