// The program `timenode`. What it can do is in command_line.hpp; what it does then in commands.hpp.

#include "app/commands.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace {

using namespace timenode::app;

int print(const print_command& x) {
  std::fputs(x.text.c_str(), x.status == 0 ? stdout : stderr);
  return x.status;
}

int carry_out(const command& chosen) {
  return std::visit(
      [](const auto& x) {
        using chosen_type = std::decay_t<decltype(x)>;
        if constexpr (std::is_same_v<chosen_type, run_command>)
          return run_node(x);
        else if constexpr (std::is_same_v<chosen_type, transfer_command>)
          return run_transfer(x);
        else if constexpr (std::is_same_v<chosen_type, testnet_command>)
          return run_testnet(x);
        else if constexpr (std::is_same_v<chosen_type, query_command>)
          return run_query(x);
        else if constexpr (std::is_same_v<chosen_type, key_command>)
          return run_key(x);
        else
          return print(x);
      },
      chosen);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    raise_file_limit();
    return carry_out(
        parse_command_line(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc)));
  } catch (const std::exception& x) {
    // Nothing of ours throws across its border: this is a lack of memory, or a fault.
    std::fprintf(stderr, "timenode: %s\n", x.what());
    return 1;
  }
}
