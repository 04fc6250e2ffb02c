//! The `outreach` program: only wires.
fn main() {}
