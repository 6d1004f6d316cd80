//! How much work each caller may ask for over time.
//!
//! Somebody with a token pays from a budget of their own, whichever of their tokens they use. All who come from one address
//! without a token share one, and so does whoever comes from there with a token that is refused.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use ipnet::{IpNet, Ipv6Net};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::problem::{Code, Refused, extend, over_limit, problem};
use super::{Host, HttpSettings};
use crate::config::BudgetSettings;

/// The part of an IPv6 address that one subscriber of a network has.
const IPV6_PREFIX: u8 = 64;

/// The header in which proxies say where a request comes from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// From whose budget a request is paid.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Payer {
    /// Somebody with a token, by the hash of who they are.
    Person([u8; 32]),
    /// Everybody from an address; none when the request came over no connection.
    Address(Option<IpAddr>),
}

impl Payer {
    /// The payer of a request by somebody who is known by a text that is the same in all of their tokens.
    pub(super) fn person(identity: &str) -> Self {
        Self::Person(Sha256::digest(identity).into())
    }

    /// The payer of a request without a token: `peer` is the other end of its connection, if it came over one.
    pub(super) fn address(peer: Option<SocketAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        Self::Address(peer.map(|peer| network(origin(peer, headers, trusted))))
    }

    /// Who pays for what a caller from here asks: they themselves, if they have a token.
    pub(super) fn or<H: Host>(&self, host: &H, caller: &H::Caller) -> Self {
        let identity = host.identity(caller);
        identity.map_or_else(|| self.clone(), |identity| Self::person(&identity))
    }
}

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The budgets of all callers.
pub(super) struct Budgets<C: Clock = DefaultClock> {
    settings: BudgetSettings,
    clock: C,
    limiters: Cache<Payer, Arc<Limiter<C>>>,
}

impl Budgets {
    /// Full budgets for everybody.
    ///
    /// # Errors
    /// A sentence for the operator when a budget could never pay for a request that every other limit allows.
    pub(super) fn new(settings: &HttpSettings) -> Result<Self, String> {
        let budget = &settings.budget;
        let dearest = settings.answer_values.saturating_add(budget.request_cost.into());
        for (name, units) in [
            ("person_units", budget.person_units),
            ("address_units", budget.address_units),
        ] {
            if units > 0 && u64::from(units) < dearest {
                return Err(format!(
                    "budget.{name} must be 0 or at least {dearest}: what one request may cost"
                ));
            }
        }
        Ok(Self::by(DefaultClock::default(), *budget))
    }
}

impl<C: Clock + Clone> Budgets<C> {
    fn by(clock: C, settings: BudgetSettings) -> Self {
        Self {
            settings,
            clock,
            limiters: Cache::new(settings.remembered),
        }
    }

    /// Pays for a request before it is looked at.
    pub(super) fn pay_for_request(&self, payer: &Payer) -> Result<(), Refused> {
        self.pay(payer, self.settings.request_cost.into())
    }

    /// Pays for running an operation.
    pub(super) fn pay_for_operation(&self, payer: &Payer, values: u64, mutations: usize) -> Result<(), Refused> {
        let mutations = u64::try_from(mutations).unwrap_or(u64::MAX);
        let mutations = mutations.saturating_mul(self.settings.mutation_cost.into());
        self.pay(payer, values.saturating_add(mutations))
    }

    fn pay(&self, payer: &Payer, units: u64) -> Result<(), Refused> {
        let Some(quota) = self.quota(payer) else {
            return Ok(());
        };
        let Some(cost) = NonZeroU32::new(u32::try_from(units).unwrap_or(u32::MAX)) else {
            return Ok(());
        };
        let full = || Ok::<_, Refused>(Arc::new(RateLimiter::direct_with_clock(quota, self.clock.clone())));
        let limiter = self.limiters.get_or_insert_with(payer, full)?;
        match limiter.check_n(cost) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(later)) => Err(too_much(later.wait_time_from(self.clock.now()))),
            Err(_) => {
                let most = quota.burst_size().get();
                let message = format!("A request may cost {most} units, and this one costs {units}.");
                Err(over_limit("budget_units", usize::try_from(most).unwrap_or(usize::MAX), message).into())
            }
        }
    }

    fn quota(&self, payer: &Payer) -> Option<Quota> {
        let (units, gained) = match payer {
            Payer::Person(_) => (self.settings.person_units, self.settings.person_units_per_second),
            Payer::Address(_) => (self.settings.address_units, self.settings.address_units_per_second),
        };
        let gained = NonZeroU32::new(gained).unwrap_or(NonZeroU32::MIN);
        Some(Quota::per_second(gained).allow_burst(NonZeroU32::new(units)?))
    }
}

fn too_much(wait: Duration) -> Refused {
    let seconds = (wait.as_secs() + 1).min(u64::from(u32::MAX));
    let message = format!("You ask for more than this host does for one caller. Ask again in {seconds} seconds.");
    let mut error = problem(Code::RateLimited, message);
    extend(&mut error, "retryAfterSeconds", seconds);
    let refused = Refused::by_http(StatusCode::TOO_MANY_REQUESTS, error);
    match HeaderValue::from_str(&seconds.to_string()) {
        Ok(seconds) => refused.with_header(header::RETRY_AFTER, seconds),
        Err(_) => refused,
    }
}

/// Whether an address is one of the proxies whose word counts.
pub(super) fn is_proxy(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|network| network.contains(&address))
}

/// Where a request comes from: the nearest address that no trusted proxy has.
fn origin(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| is_proxy(*address, trusted);
    let mut nearest = peer.ip().to_canonical();
    let told = headers.get_all(FORWARDED_FOR).iter();
    let told: Vec<_> = told
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for address in told.into_iter().rev() {
        if !is_trusted(&nearest) {
            break;
        }
        match address.trim().parse::<IpAddr>() {
            Ok(address) => nearest = address.to_canonical(),
            Err(_) => break,
        }
    }
    nearest
}

/// What of an address one subscriber has.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(full) => Ipv6Net::new(full, IPV6_PREFIX).map_or(address, |network| network.network().into()),
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn only_a_trusted_proxy_says_where_a_request_comes_from() {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap()).to_vec();
        for (peer, told, comes_from) in [
            ("203.0.113.7:1", &["198.51.100.1"][..], "203.0.113.7"),
            ("10.0.0.1:1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1:1", &["192.0.2.9, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1:1", &["192.0.2.9", "198.51.100.1, 10.2.3.4"], "198.51.100.1"),
            ("10.0.0.1:1", &["10.9.9.9"], "10.9.9.9"),
            ("10.0.0.1:1", &["198.51.100.1, nonsense"], "10.0.0.1"),
            ("10.0.0.1:1", &[], "10.0.0.1"),
            ("[::ffff:10.0.0.1]:1", &["198.51.100.1"], "198.51.100.1"),
            ("[fd00::1]:1", &["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::"),
        ] {
            let mut headers = HeaderMap::new();
            for told in told {
                headers.append(FORWARDED_FOR, told.parse().unwrap());
            }
            let found = Payer::address(Some(peer.parse().unwrap()), &headers, &trusted);
            assert_eq!(
                found,
                Payer::Address(Some(comes_from.parse().unwrap())),
                "{peer} {told:?}"
            );
        }
    }

    #[test]
    fn a_budget_that_is_spent_comes_back_with_time() {
        let settings = BudgetSettings {
            person_units: 100,
            person_units_per_second: 10,
            address_units: 0,
            address_units_per_second: 0,
            request_cost: 1,
            mutation_cost: 50,
            remembered: 10,
        };
        let clock = FakeRelativeClock::default();
        let budgets = Budgets::by(clock.clone(), settings);
        let [ana, ben] = ["ana", "ben"].map(Payer::person);
        let refused = |payer: &Payer, values, mutations| {
            let refused = budgets.pay_for_operation(payer, values, mutations).err()?;
            Some(
                refused
                    .headers
                    .first()
                    .map(|(_, seconds)| seconds.to_str().unwrap().to_owned()),
            )
        };

        assert_eq!(refused(&ana, 50, 1), None);
        assert_eq!(refused(&ana, 25, 0), Some(Some("3".to_owned())));
        assert_eq!(refused(&ben, 100, 0), None);
        assert_eq!(refused(&Payer::Address(None), u64::MAX, 9), None);
        clock.advance(Duration::from_secs(3));
        assert_eq!(refused(&ana, 25, 0), None);
        assert_eq!(refused(&ana, 101, 0), Some(None));
    }
}
