//! The policy and value network: its specification, its weights and the executors that run it.
