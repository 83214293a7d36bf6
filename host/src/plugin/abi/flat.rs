//! Lists that cross the boundary with one copy.
//!
//! wasmtime copies a list of records field by field. The canonical ABI fixes how such a
//! list lies in memory (component-model, `CanonicalABI.md`, "Alignment" and "Element
//! Size"): as Rust lays out a `repr(C)` struct. So where all fields are integers, the
//! bytes of the whole list can be copied.
//!
//! wasmtime does not document the traits for other implementations. A version that
//! changes them does not compile here, and each instance's types are still checked.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Deref;
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext,
};
use wasmtime::component::{ComponentType, Lift, Lower};
use wasmtime::{Result, ValRaw, bail};

#[cfg(target_endian = "big")]
compile_error!("the canonical ABI is little-endian");

/// A type with the bytes of `Wire` in the canonical ABI.
///
/// # Safety
/// It consists of integers and of such types, has the fields of `Wire` in their order, is
/// `repr(C)`, and has no padding.
pub unsafe trait Flat: Copy + Send + Sync + 'static {
    /// The type of the contract.
    type Wire: ComponentType;
}

// SAFETY: it is an integer.
unsafe impl Flat for u8 {
    type Wire = u8;
}

// SAFETY: it is an integer.
unsafe impl Flat for u32 {
    type Wire = u32;
}

// SAFETY: it is an integer.
unsafe impl Flat for i64 {
    type Wire = i64;
}

/// A list that the host passes.
#[derive(Clone, Copy)]
pub struct Slice<'a, T>(pub &'a [T]);

/// A list that a plugin returns.
#[derive(Debug)]
pub struct List<T>(pub Vec<T>);

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

/// Size and alignment, which Rust and the canonical ABI must agree on.
struct Layout<T>(PhantomData<T>);

impl<T: Flat> Layout<T> {
    const ALIGN: u32 = {
        assert!(size_of::<T>() == <T::Wire as ComponentType>::SIZE32);
        assert!(align_of::<T>() == <T::Wire as ComponentType>::ALIGN32 as usize);
        <T::Wire as ComponentType>::ALIGN32
    };
}

// SAFETY: it is passed as `[T::Wire]`, a pointer and a length, and has its type.
unsafe impl<T: Flat> ComponentType for Slice<'_, T> {
    type Lower = [ValRaw; 2];

    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::POINTER_PAIR;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <[T::Wire] as ComponentType>::typecheck(ty, types)
    }
}

impl<T: Flat> Slice<'_, T> {
    /// Copies the list into memory that the plugin provides; returns its address.
    fn copy<S>(&self, cx: &mut LowerContext<'_, S>) -> Result<usize> {
        let size = size_of_val(self.0);
        let at = cx.realloc(0, 0, Layout::<T>::ALIGN, size)?;
        // SAFETY: `Flat` types have no padding, so all of the list's bytes are initialised.
        let bytes = unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<u8>(), size) };
        // `realloc` has checked that the memory is there.
        cx.as_slice_mut()[at..][..size].copy_from_slice(bytes);
        Ok(at)
    }
}

// SAFETY: both functions write the pointer and the length of a list of `T::Wire` whose
// bytes `Flat` vouches for.
unsafe impl<T: Flat> Lower for Slice<'_, T> {
    fn linear_lower_to_flat<S>(
        &self,
        cx: &mut LowerContext<'_, S>,
        _: InterfaceType,
        to: &mut MaybeUninit<[ValRaw; 2]>,
    ) -> Result<()> {
        let at = self.copy(cx)?;
        to.write([ValRaw::i64(at as i64), ValRaw::i64(self.0.len() as i64)]);
        Ok(())
    }

    fn linear_lower_to_memory<S>(
        &self,
        cx: &mut LowerContext<'_, S>,
        _: InterfaceType,
        to: usize,
    ) -> Result<()> {
        let at = self.copy(cx)?;
        *cx.get(to) = (at as u32).to_le_bytes();
        *cx.get(to + 4) = (self.0.len() as u32).to_le_bytes();
        Ok(())
    }
}

// SAFETY: as for `Slice`.
unsafe impl<T: Flat> ComponentType for List<T> {
    type Lower = [ValRaw; 2];

    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::POINTER_PAIR;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <[T::Wire] as ComponentType>::typecheck(ty, types)
    }
}

impl<T: Flat> List<T> {
    /// Copies `len` elements out of the plugin's memory. The checks are those of
    /// wasmtime's lists.
    fn copied(cx: &mut LiftContext<'_>, at: u32, len: u32) -> Result<List<T>> {
        let (at, len) = (at as usize, len as usize);
        let size = len.saturating_mul(size_of::<T>());
        let Some(bytes) = cx.memory().get(at..).and_then(|rest| rest.get(..size)) else {
            bail!("list pointer/length out of bounds of memory");
        };
        cx.consume_fuel(size)?;
        if at % Layout::<T>::ALIGN as usize != 0 {
            bail!("list pointer is not aligned");
        }
        let mut list = Vec::<T>::with_capacity(len);
        // SAFETY: the list has room for `len` elements, which are `size` bytes. Any bytes
        // are a valid `T`, since it consists of integers.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), list.as_mut_ptr().cast(), size);
            list.set_len(len);
        }
        Ok(List(list))
    }
}

// SAFETY: both functions read the pointer and the length of a list of `T::Wire`, and
// check that the plugin's memory has it.
unsafe impl<T: Flat> Lift for List<T> {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        _: InterfaceType,
        [at, len]: &[ValRaw; 2],
    ) -> Result<Self> {
        List::copied(cx, at.get_u32(), len.get_u32())
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        _: InterfaceType,
        bytes: &[u8],
    ) -> Result<Self> {
        let number = |at: usize| {
            let bytes = bytes[at..].first_chunk();
            u32::from_le_bytes(*bytes.expect("wasmtime gives `SIZE32` bytes"))
        };
        List::copied(cx, number(0), number(4))
    }
}
