//! Numbers of IEEE 754 binary16 for model files and planes.

/// The nearest binary16, ties to even; infinite from 65520 on.
pub(crate) fn from_f32(x: f32) -> u16 {
    let bits = x.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return sign | 0x7e00; // not a number
    }
    // Below the smallest normal number the step is 2^-24: adding 0.5 leaves |x| rounded to that step in the low bits.
    if magnitude < 0x3880_0000 {
        return sign | ((f32::from_bits(magnitude) + 0.5).to_bits() - 0.5f32.to_bits()) as u16;
    }
    if magnitude >= 0x477f_f000 {
        return sign | 0x7c00;
    }
    // Rebias the exponent, then round the 13 bits that fall away; a carry into the exponent is right.
    let rebiased = magnitude - (112 << 23);
    let half = 0x0fff + (rebiased >> 13 & 1);
    sign | ((rebiased + half) >> 13) as u16
}

/// The same number; every binary16 is an f32.
pub(super) fn to_f32(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let (exponent, fraction) = (u32::from(half >> 10 & 31), u32::from(half & 0x03ff));
    let magnitude = match exponent {
        0 => (fraction as f32 / (1 << 24) as f32).to_bits(),
        31 => 0x7f80_0000 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_survives_the_way_through_f32() {
        for half in 0..=u16::MAX {
            let x = to_f32(half);
            if x.is_nan() {
                assert!(half & 0x7c00 == 0x7c00 && half & 0x03ff != 0 && to_f32(from_f32(x)).is_nan(), "{half:#06x}");
            } else {
                assert_eq!(from_f32(x), half, "{half:#06x} is {x}");
            }
        }
    }

    #[test]
    fn the_nearest_half_is_taken_and_ties_go_to_the_even_one() {
        // Between two neighbours: the middle goes to the even one, anything off the middle to the nearer one.
        for low in 0..0x7bff_u16 {
            let (a, b) = (to_f32(low), to_f32(low + 1));
            let middle = f32::midpoint(a, b);
            assert_eq!(from_f32(middle), low + (low & 1), "{middle}");
            assert_eq!(from_f32(middle.next_down()), low, "{middle}");
            assert_eq!(from_f32(-middle.next_up()), 0x8000 | (low + 1), "{middle}");
        }
    }

    #[test]
    fn published_values() {
        for (x, half) in [(1.0, 0x3c00), (-2.0, 0xc000), (65504.0, 0x7bff), (65519.0, 0x7bff), (65520.0, 0x7c00)] {
            assert_eq!(from_f32(x), half, "{x}");
        }
        assert_eq!((from_f32(1.0 / 3.0), from_f32(-0.0), from_f32(f32::INFINITY)), (0x3555, 0x8000, 0x7c00));
        assert_eq!((to_f32(0x0001), to_f32(0x03ff)), (2f32.powi(-24), 1023.0 * 2f32.powi(-24)));
    }
}
