// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! The guest's memory during one call; every access is checked.

use crate::errno::{Answer, Errno, refuse};

pub struct GuestMemory<'a>(&'a mut [u8]);

impl<'a> GuestMemory<'a> {
    pub fn new(bytes: &'a mut [u8]) -> GuestMemory<'a> {
        GuestMemory(bytes)
    }

    pub fn read(&self, address: u32, length: u32) -> Answer<&[u8]> {
        let end = address as usize + length as usize;
        match self.0.get(address as usize..end) {
            Some(bytes) => Ok(bytes),
            None => outside(address, length),
        }
    }

    /// What is there, to be written to.
    pub fn room(&mut self, address: u32, length: u32) -> Answer<&mut [u8]> {
        let end = address as usize + length as usize;
        match self.0.get_mut(address as usize..end) {
            Some(bytes) => Ok(bytes),
            None => outside(address, length),
        }
    }

    pub fn text(&self, address: u32, length: u32) -> Answer<&str> {
        match std::str::from_utf8(self.read(address, length)?) {
            Ok(text) => Ok(text),
            Err(_) => refuse(Errno::InvalidArgument, "a text is not UTF-8"),
        }
    }

    /// `COUNT` numbers, wherever they are: guests need not align them.
    pub fn words<const COUNT: usize>(&self, address: u32) -> Answer<[u32; COUNT]> {
        let bytes = self.read(address, 4 * COUNT as u32)?;
        Ok(std::array::from_fn(|i| word(&bytes[4 * i..])))
    }

    pub fn list(&self, address: u32, count: u32) -> Answer<Vec<u32>> {
        let Some(length) = count.checked_mul(4) else { return outside(address, u32::MAX) };
        Ok(self.read(address, length)?.chunks(4).map(word).collect())
    }

    pub fn write_word(&mut self, address: u32, value: u32) -> Answer<()> {
        self.room(address, 4)?.copy_from_slice(&value.to_le_bytes());
        Ok(())
    }
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn outside<T>(address: u32, length: u32) -> Answer<T> {
    let what = format!("{length} bytes at {address} are not all in the guest's memory");
    refuse(Errno::InvalidArgument, what)
}
