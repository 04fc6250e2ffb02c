//! Time, passed in. To come.
