//! The two files that cross from trainer to page: models and game records.
