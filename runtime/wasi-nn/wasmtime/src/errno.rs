// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! Why a call failed, and its number in `wasi_ephemeral_nn`.

use wasmtime::Error;
use wasmtime::error::format_err;

/// What a call answers that fails, as wasi-nn's witx file numbers it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Errno {
    InvalidArgument = 1,
    InvalidEncoding = 2,
    MissingMemory = 3,
    RuntimeError = 5,
    UnsupportedOperation = 6,
    TooLarge = 7,
    NotFound = 8,
}

#[derive(Debug)]
pub struct Failure {
    pub errno: Errno,
    pub reason: Error,
}

pub type Answer<T> = Result<T, Failure>;

/// A failure in words.
pub fn refuse<T>(errno: Errno, reason: impl std::fmt::Display) -> Answer<T> {
    Err(Failure { errno, reason: format_err!("{reason}") })
}

/// Says which errno stands for another error; by itself it is a runtime error.
pub trait Blame<T> {
    fn blame(self, errno: Errno) -> Answer<T>;
}

impl<T> Blame<T> for Result<T, Error> {
    fn blame(self, errno: Errno) -> Answer<T> {
        self.map_err(|reason| Failure { errno, reason })
    }
}

impl From<Error> for Failure {
    fn from(reason: Error) -> Failure {
        Failure { errno: Errno::RuntimeError, reason }
    }
}
