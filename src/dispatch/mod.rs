//! Dispatch: claims the next recipients, waits for the pacer, sends, settles.

pub mod pacer;
