//! Facts about a GPU and its driver, read before the runtime starts: without a driver its threads would panic.

#[cfg(feature = "cuda")]
use anyhow::bail;
use anyhow::{Context, Result};

use super::fault;
use super::kernels::Kernels;
use crate::learner::Card;

/// Memory of the first NVIDIA GPU.
///
/// # Errors
/// If the driver's library is missing, it is older than the CUDA libraries, or there is no GPU.
#[cfg(feature = "cuda")]
pub fn cuda() -> Result<Card> {
    use burn::backend::cuda::{Cuda, CudaDevice};
    use cudarc::driver::result;
    check_cuda()?;
    let first = result::device::get(0).context("no NVIDIA GPU")?;
    // SAFETY: the device is there, and its primary context, which the runtime shares, stays retained until the program ends.
    let (free, _) = unsafe {
        let context = result::primary_ctx::retain(first).context("the NVIDIA GPU cannot be used")?;
        result::ctx::set_current(context)?;
        result::mem_get_info()?
    };
    Ok(Card { free: Some(free as u64), largest: largest::<Cuda>(&CudaDevice::default())? })
}

/// Checks that there is a CUDA driver, and that it is not too old.
#[cfg(feature = "cuda")]
pub(super) fn check_cuda() -> Result<()> {
    use cudarc::{driver, nvrtc};
    // SAFETY: loading a library of the driver runs its initialisers only, as the runtime would.
    let has = |names: &[&str]| names.iter().any(|name| unsafe { libloading::Library::new(*name) }.is_ok());
    let libraries = ["libcuda.so.1", "libcuda.so", "nvcuda.dll"];
    if !has(&libraries) {
        bail!("no CUDA driver: none of {} can be loaded", libraries.join(", "));
    }
    let compilers = ["libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "nvrtc64_130_0.dll", "nvrtc64_120_0.dll"];
    if !has(&compilers) {
        bail!("no CUDA compiler: none of {} can be loaded; it comes with the CUDA toolkit", compilers.join(", "));
    }
    let (mut driver, mut major, mut minor) = (0, 0, 0);
    // SAFETY: both functions write whole numbers to the places that they are given.
    unsafe {
        driver::sys::cuDriverGetVersion(&raw mut driver)
            .result()
            .context("the CUDA driver does not tell its version")?;
        nvrtc::sys::nvrtcVersion(&raw mut major, &raw mut minor)
            .result()
            .context("the CUDA compiler does not tell its version")?;
    }
    check_versions(driver, [major, minor])?;
    driver::result::init().context("the CUDA driver does not start; is there an NVIDIA GPU?")
}

/// Oldest driver, as CUDA numbers its versions.
#[cfg(feature = "cuda")]
const OLDEST_DRIVER: i32 = 12_000;

/// Checks the version of the driver, as CUDA numbers it, against that of the compiler.
#[cfg(feature = "cuda")]
fn check_versions(driver: i32, [major, minor]: [i32; 2]) -> Result<()> {
    let [of_driver, rest] = [driver / 1000, driver % 1000 / 10];
    if driver < OLDEST_DRIVER {
        bail!("the NVIDIA driver is too old: it is for CUDA {of_driver}.{rest}, and 12.0 is the least");
    }
    // What a compiler makes runs with every driver of its generation.
    if of_driver < major {
        bail!(
            "the NVIDIA driver is too old: it is for CUDA {of_driver}.{rest}, and the installed compiler is of CUDA \
             {major}.{minor}; install a newer driver or an older toolkit"
        );
    }
    Ok(())
}

/// Memory of the adapter that wgpu prefers; by Vulkan all that is there for the GPU, otherwise unknown.
///
/// # Errors
/// If there is no adapter.
#[cfg(feature = "wgpu")]
pub fn wgpu() -> Result<Card> {
    use burn::backend::wgpu::{Wgpu, WgpuDevice};
    let (adapter, _) = adapter()?;
    Ok(Card { free: vulkan_memory(&adapter), largest: largest::<Wgpu>(&WgpuDevice::default())? })
}

/// The adapter that the runtime takes, by Vulkan, Metal or DirectX, and its name.
#[cfg(feature = "wgpu")]
pub(super) fn adapter() -> Result<(wgpu::Adapter, String)> {
    use burn::backend::wgpu::graphics::{AutoGraphicsApi, GraphicsApi};
    // By another door, such as OpenGL's, there may be an adapter that the runtime does not see.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: AutoGraphicsApi::backend().into(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let power_preference = wgpu::PowerPreference::HighPerformance;
    let options = wgpu::RequestAdapterOptions { power_preference, ..wgpu::RequestAdapterOptions::default() };
    let adapter = pollster::block_on(instance.request_adapter(&options));
    let adapter = adapter.context("no GPU: wgpu finds no adapter for Vulkan, Metal or DirectX")?;
    let info = adapter.get_info();
    let name = format!("burn-wgpu, {} ({})", info.name, info.backend);
    Ok((adapter, name))
}

/// Bytes of the largest heap that belongs to the GPU, if the adapter is one of Vulkan.
#[cfg(all(feature = "wgpu", any(target_os = "linux", windows)))]
fn vulkan_memory(adapter: &wgpu::Adapter) -> Option<u64> {
    /// Bit of Vulkan's `VK_MEMORY_HEAP_DEVICE_LOCAL_BIT`.
    const DEVICE_LOCAL: u32 = 1;
    // SAFETY: the adapter is only asked, and lives as long as the answer is looked at.
    let adapter = unsafe { adapter.as_hal::<wgpu::hal::api::Vulkan>() }?;
    let instance = adapter.shared_instance().raw_instance();
    // SAFETY: the physical device is one of this instance.
    let memory = unsafe { instance.get_physical_device_memory_properties(adapter.raw_physical_device()) };
    let heaps = memory.memory_heaps.iter().take(memory.memory_heap_count as usize);
    heaps.filter(|heap| heap.flags.as_raw() & DEVICE_LOCAL != 0).map(|heap| heap.size).max()
}

#[cfg(all(feature = "wgpu", not(any(target_os = "linux", windows))))]
fn vulkan_memory(_: &wgpu::Adapter) -> Option<u64> {
    None
}

/// Bytes of the GPU's memory that tensors take now, and that the runtime holds for them.
///
/// # Errors
/// If the device fails.
pub fn usage<B: Kernels>(device: &B::Device) -> Result<[u64; 2]> {
    Ok(fault::guarded(|| B::memory(device).map_err(|error| fault::error(&error)))?)
}

/// Bytes of the largest tensor that the device allows.
fn largest<B: Kernels>(device: &B::Device) -> Result<u64> {
    fault::listen();
    super::set_up();
    Ok(fault::guarded(|| Ok(B::largest(device)))?)
}

#[cfg(all(test, feature = "cuda"))]
mod tests {
    use super::*;

    #[test]
    fn a_device_driver_that_is_too_old_is_an_error() {
        let check = |driver: i32, compiler: [i32; 2], expected: Option<&str>| {
            let error = check_versions(driver, compiler).err().map(|error| error.to_string());
            assert_eq!(error.is_some(), expected.is_some(), "{error:?}");
            let error = error.unwrap_or_default();
            assert!(error.contains(expected.unwrap_or_default()), "{error}");
        };
        check(13_000, [13, 0], None);
        check(12_020, [12, 8], None);
        check(12_080, [13, 0], Some("is for CUDA 12.8, and the installed compiler is of CUDA 13.0"));
        check(11_040, [11, 4], Some("is for CUDA 11.4, and 12.0 is the least"));
    }
}
