#include "app/rpc_json.hpp"
#include "net/random.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>

namespace {

using namespace timenode;

/// Gives back what it was called with; some methods fail.
rpc_result echo(const std::string& method, const json& params) {
  if (method == "throw")
    throw std::runtime_error("secret");
  if (method == "fail")
    return rpc_fail(rpc_code::not_found, "Block not found");
  if (method == "big")
    return json(std::string(max_batch_answer_bytes / 2, 'x'));
  json result;
  result["method"] = method;
  result["params"] = params;
  return result;
}

std::string answer(const std::string& body) {
  return rpc_document{body}.answer(echo);
}

json parsed(const std::string& body) {
  return json::parse(answer(body));
}

int error_code(const json& x) {
  return x.at("error").at("code").get<int>();
}

}  // namespace

TEST_CASE("a call is answered with its id and result, and no error") {
  CHECK(answer(R"({"jsonrpc":"2.0","id":7,"method":"m","params":[1,"a"]})") ==
        R"({"jsonrpc":"2.0","id":7,"result":{"method":"m","params":[1,"a"]}})");
}

TEST_CASE("ids come back exactly as they were sent") {
  for (const std::string id : {"0", "-1", "18446744073709551615", "-9223372036854775808", "\"x\"",
                               "\"\\u00e4\\n\"", "null", "1.5"}) {
    CAPTURE(id);
    const auto x = parsed(R"({"jsonrpc":"2.0","method":"m","id":)" + id + "}");
    CHECK(x.at("id") == json::parse(id));
    CHECK(x.contains("result"));
  }
}

TEST_CASE("numbers of 64 bits are kept exactly") {
  const auto x = parsed(
      R"({"jsonrpc":"2.0","id":1,"method":"m","params":[18446744073709551615,-9223372036854775808]})");
  CHECK(x["result"]["params"][0].get<std::uint64_t>() == 18446744073709551615u);
  CHECK(x["result"]["params"][1].get<std::int64_t>() == INT64_MIN);
}

TEST_CASE("params may be an object, an array, null or absent") {
  const auto params = [](const std::string& text) {
    return parsed(R"({"jsonrpc":"2.0","id":1,"method":"m")" + text + "}")["result"]["params"];
  };
  CHECK(params(R"(,"params":{"a":1})") == json::parse(R"({"a":1})"));
  CHECK(params(R"(,"params":[])") == json::array());
  CHECK(params(R"(,"params":null)").is_null());
  CHECK(params("").is_null());
}

TEST_CASE("a method's failure is an error with its code and message, and no result") {
  const auto x = parsed(R"({"jsonrpc":"2.0","id":1,"method":"fail"})");
  CHECK(error_code(x) == -5);
  CHECK(x["error"]["message"] == "Block not found");
  CHECK_FALSE(x.contains("result"));
}

TEST_CASE("an exception is an internal error that tells nothing about its inside") {
  const auto text = answer(R"({"jsonrpc":"2.0","id":1,"method":"throw"})");
  CHECK(error_code(json::parse(text)) == -32603);
  CHECK(text.find("secret") == std::string::npos);
}

TEST_CASE("a body that is not JSON is a parse error with the id null") {
  for (const std::string body :
       {"", " ", "{", "nonsense", R"({"jsonrpc":"2.0","id":1,"method":"m")", "\xff\xfe",
        R"({"a":1e999})", R"(["\xff"])", "{} {}", R"({"jsonrpc":"2.0","id":1,"method":"m"}x)"}) {
    CAPTURE(body);
    const auto x = parsed(body);
    CHECK(error_code(x) == -32700);
    CHECK(x.at("id").is_null());
  }
}

TEST_CASE("JSON that is no call is an invalid request") {
  for (const std::string body :
       {"1", "\"x\"", "null", "true", "{}", R"({"jsonrpc":"2.0","id":1})",
        R"({"id":1,"method":"m"})", R"({"jsonrpc":"1.0","id":1,"method":"m"})",
        R"({"jsonrpc":2.0,"id":1,"method":"m"})", R"({"jsonrpc":"2.0","id":1,"method":1})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","params":"x"})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","params":7})",
        R"({"jsonrpc":"2.0","id":[],"method":"m"})", R"({"jsonrpc":"2.0","id":{},"method":"m"})",
        R"({"jsonrpc":"2.0","id":true,"method":"m"})"}) {
    CAPTURE(body);
    CHECK(error_code(parsed(body)) == -32600);
  }
}

TEST_CASE("an invalid call without an id is answered all the same, with the id null") {
  const auto x = parsed(R"({"foo":"bar"})");
  CHECK(error_code(x) == -32600);
  CHECK(x.at("id").is_null());
}

TEST_CASE("a notification is run and not answered") {
  int runs = 0;
  const auto text = rpc_document{R"({"jsonrpc":"2.0","method":"m"})"}.answer(
      [&](const std::string&, const json&) -> rpc_result {
        ++runs;
        return json(1);
      });
  CHECK(text.empty());
  CHECK(runs == 1);
  // An id of null is an id.
  CHECK_FALSE(answer(R"({"jsonrpc":"2.0","id":null,"method":"m"})").empty());
  CHECK(answer(R"({"jsonrpc":"2.0","method":"fail"})").empty());
}

TEST_CASE("a batch is answered in order, without its notifications") {
  const auto x = parsed(R"([{"jsonrpc":"2.0","id":1,"method":"a"},
                            {"jsonrpc":"2.0","method":"b"},
                            {"jsonrpc":"2.0","id":"3","method":"fail"},
                            17,
                            {"jsonrpc":"2.0","id":5,"method":"c"}])");
  REQUIRE(x.is_array());
  REQUIRE(x.size() == 4);
  CHECK(x[0]["id"] == 1);
  CHECK(x[0]["result"]["method"] == "a");
  CHECK(x[1]["id"] == "3");
  CHECK(error_code(x[1]) == -5);
  CHECK(x[2]["id"].is_null());
  CHECK(error_code(x[2]) == -32600);
  CHECK(x[3]["result"]["method"] == "c");
}

TEST_CASE("a batch of notifications only is not answered, an empty one is invalid") {
  CHECK(answer(R"([{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","method":"b"}])").empty());
  const auto x = parsed("[]");
  CHECK(x.is_object());
  CHECK(error_code(x) == -32600);
}

TEST_CASE("a batch has a hundred calls at most") {
  const auto batch = [](std::size_t calls) {
    std::string result = "[";
    for (std::size_t i = 0; i < calls; ++i)
      result += std::string{i ? "," : ""} + R"({"jsonrpc":"2.0","id":1,"method":"a"})";
    return result + ']';
  };
  CHECK(parsed(batch(max_batch)).size() == max_batch);
  const auto x = parsed(batch(max_batch + 1));
  CHECK(x.is_object());
  CHECK(error_code(x) == -32600);
}

TEST_CASE("a batch whose answers grow too long fails from there on") {
  std::string body = "[";
  for (int i = 0; i < 5; ++i)
    body += std::string{i ? "," : ""} + R"({"jsonrpc":"2.0","id":1,"method":"big"})";
  const auto x = parsed(body + ']');
  REQUIRE(x.size() == 5);
  CHECK(x[1].contains("result"));
  CHECK(error_code(x[2]) == -32603);
  CHECK(error_code(x[4]) == -32603);
}

TEST_CASE(
    "brackets nested too deeply are refused before they are parsed, those in strings are not") {
  const auto nested = [](std::size_t depth) {
    return R"({"jsonrpc":"2.0","id":1,"method":"m","params":)" + std::string(depth, '[') +
           std::string(depth, ']') + '}';
  };
  CHECK(parsed(nested(max_json_depth - 1)).contains("result"));
  CHECK(error_code(parsed(nested(max_json_depth))) == -32700);
  CHECK(error_code(parsed(nested(500'000))) == -32700);
  CHECK(
      parsed(
          R"({"jsonrpc":"2.0","id":1,"method":"m","params":["\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]})")
          .contains("result"));
}

TEST_CASE("what is no UTF-8 in a result does not spoil the answer") {
  const auto text = rpc_document{R"({"jsonrpc":"2.0","id":1,"method":"m"})"}.answer(
      [](const std::string&, const json&) -> rpc_result { return json(std::string{"a\xff"}); });
  CHECK(json::parse(text)["result"] == "a\xef\xbf\xbd");
}

TEST_CASE("one can ask what methods a body calls") {
  const rpc_document document{R"([{"jsonrpc":"2.0","id":1,"method":"a"},{"id":2,"method":"b"}])"};
  CHECK(document.any_method([](std::string_view x) { return x == "a"; }));
  // Not those that are no calls.
  CHECK_FALSE(document.any_method([](std::string_view x) { return x == "b"; }));
  CHECK_FALSE(rpc_document{"nonsense"}.any_method([](std::string_view) { return true; }));
}

TEST_CASE("whatever the body is, the answer is JSON or nothing") {
  const std::string good = R"([{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":[1,"\u00e4"]}},)"
                           R"({"jsonrpc":"2.0","method":"fail","params":null}])";
  random_source random{7};
  for (int i = 0; i < 20'000; ++i) {
    auto body = good;
    for (auto changes = 1 + random.below(4); changes > 0; --changes) {
      const auto at = random.below(body.size());
      switch (random.below(3)) {
      case 0:
        body[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        body.erase(at, 1 + random.below(10));
        break;
      default:
        body.insert(at, body.substr(random.below(body.size()), random.below(10)));
      }
      if (body.empty())
        break;
    }
    const auto text = answer(body);
    CAPTURE(body);
    CHECK((text.empty() || json::accept(text)));
  }
}
