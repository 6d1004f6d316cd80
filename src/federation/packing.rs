//! Bodies between hosts, packed as gzip (RFC 1952): feeds are text that repeats itself.

use std::io::{self, Read, Write};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// Bodies below this many bytes are sent as they are.
pub const WORTH_PACKING: usize = 1024;

/// Packs a body.
///
/// # Errors
/// Never here: memory takes everything.
pub fn pack(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(body)?;
    packed.finish()
}

/// Unpacks a body of at most `limit` bytes; none for a longer one, and for what is no gzip.
pub fn unpack(packed: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    // A byte more than the limit tells a longer one, and a small bomb costs no more than that.
    let most = u64::try_from(limit).ok()?.checked_add(1)?;
    GzDecoder::new(packed).take(most).read_to_end(&mut body).ok()?;
    (body.len() <= limit).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again_and_no_more_than_the_limit() {
        let body = "champion ".repeat(1_000).into_bytes();
        let packed = pack(&body).unwrap();

        assert!(packed.len() * 10 < body.len());
        assert_eq!(unpack(&packed, body.len()), Some(body.clone()));
        assert_eq!(unpack(&packed, body.len() - 1), None);
        assert_eq!(unpack(&packed[..packed.len() / 2], body.len()), None);
        assert_eq!(unpack(b"garbage", body.len()), None);
    }
}
