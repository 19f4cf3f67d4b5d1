#define DOCTEST_CONFIG_IMPLEMENT
#include "actors/type_registration.hpp"

#include <caf/init_global_meta_objects.hpp>
#include <doctest/doctest.h>

int main(int argc, char** argv) {
  timenode::register_actor_types();
  caf::core::init_global_meta_objects();
  return doctest::Context{argc, argv}.run();
}
