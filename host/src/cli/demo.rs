//! `millstream demo`.

pub(super) fn demo(_listen: std::net::SocketAddr, _rate: u32) -> anyhow::Result<()> {
    anyhow::bail!("not yet")
}
