#pragma once

namespace timenode {

/// Tells CAF of all our message types and handles. Call once, before the first actor system. In a file of
/// its own because the generated code takes seconds to compile.
void register_actor_types();

}  // namespace timenode
