// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! Things that a guest knows by number.

use std::collections::HashMap;

use crate::errno::{Answer, Errno, refuse};

/// What a guest may have open at once.
const MOST: usize = 1024;

/// Numbers are not given twice.
pub struct Handles<T> {
    what: &'static str,
    items: HashMap<u32, T>,
    next: u32,
}

impl<T> Handles<T> {
    pub fn new(what: &'static str) -> Handles<T> {
        Handles { what, items: HashMap::new(), next: 0 }
    }

    pub fn check_room(&self) -> Answer<()> {
        if self.items.len() < MOST && self.next < u32::MAX {
            return Ok(());
        }
        refuse(Errno::TooLarge, format!("too many {}s are open", self.what))
    }

    pub fn add(&mut self, item: T) -> Answer<u32> {
        self.check_room()?;
        let handle = self.next;
        self.items.insert(handle, item);
        self.next += 1;
        Ok(handle)
    }

    pub fn get(&mut self, handle: u32) -> Answer<&mut T> {
        match self.items.get_mut(&handle) {
            Some(item) => Ok(item),
            None => refuse(Errno::InvalidArgument, format!("there is no {} {handle}", self.what)),
        }
    }

    pub fn remove(&mut self, handle: u32) -> Answer<()> {
        self.get(handle)?;
        self.items.remove(&handle);
        Ok(())
    }
}
