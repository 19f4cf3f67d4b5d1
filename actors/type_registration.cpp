#include "actors/type_registration.hpp"

#include "actors/interfaces.hpp"

#include <caf/init_global_meta_objects.hpp>

namespace timenode {

void register_actor_types() {
  caf::init_global_meta_objects<caf::id_block::timenode_messages>();
  caf::init_global_meta_objects<caf::id_block::timenode_connections>();
  caf::init_global_meta_objects<caf::id_block::timenode_listeners>();
  caf::init_global_meta_objects<caf::id_block::timenode_actors>();
  caf::init_global_meta_objects<caf::id_block::timenode_node>();
}

}  // namespace timenode
