//! Names of ports and devices, each looked up once.

use std::collections::HashMap;
use std::fmt;

use foldhash::fast::RandomState;

/// Port names, by protocol.
#[derive(Debug, Clone, Default)]
pub struct Services {
    tcp: HashMap<u16, Box<str>>,
    udp: HashMap<u16, Box<str>>,
}

impl Services {
    /// From the text of a file like `/etc/services`. The first name of a port counts.
    pub fn parse(text: &str) -> Self {
        let mut services = Self::default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            let (Some(name), Some(port)) = (words.next(), words.next()) else {
                continue;
            };
            let Some((port, protocol)) = port.split_once('/') else {
                continue;
            };
            let Ok(port) = port.parse() else { continue };
            let table = match protocol {
                "tcp" => &mut services.tcp,
                "udp" => &mut services.udp,
                _ => continue,
            };
            table.entry(port).or_insert_with(|| name.into());
        }
        services
    }

    pub(super) fn tcp(&self, port: u16) -> Option<&str> {
        self.tcp.get(&port).map(AsRef::as_ref)
    }

    pub(super) fn udp(&self, port: u16) -> Option<&str> {
        self.udp.get(&port).map(AsRef::as_ref)
    }
}

/// How the name of a device is found, given its interface index.
type DeviceLookup = Box<dyn FnMut(u32) -> Option<String> + Send>;

/// Where names come from. Each is asked for once.
#[derive(Default)]
pub struct Names {
    services: Services,
    device_lookup: Option<DeviceLookup>,
    devices: HashMap<u32, Box<str>, RandomState>,
    last_device: Option<(u32, Box<str>)>,
}

/// Devices remembered at most; a capture that names more is hostile, and each is then looked up anew.
const MAX_DEVICES: usize = 4096;

impl Names {
    /// Without any: ports are numbers and devices `?`.
    pub fn none() -> Self {
        Self::default()
    }

    /// With port names, which only count without `-n`.
    #[must_use]
    pub fn with_services(mut self, services: Services) -> Self {
        self.services = services;
        self
    }

    /// With device names for cooked captures (version 2), which hold nothing but an interface index.
    #[must_use]
    pub fn with_devices(
        mut self,
        lookup: impl FnMut(u32) -> Option<String> + Send + 'static,
    ) -> Self {
        self.device_lookup = Some(Box::new(lookup));
        self
    }

    pub(super) fn forget_devices(&mut self) {
        self.devices.clear();
        self.last_device = None;
    }

    pub(super) fn services(&self) -> &Services {
        &self.services
    }

    /// The name of a device, `?` if it has none.
    pub(super) fn device(&mut self, index: u32) -> &str {
        let Self {
            device_lookup,
            devices,
            last_device,
            ..
        } = self;
        if last_device.as_ref().is_none_or(|(last, _)| *last != index) {
            if devices.len() >= MAX_DEVICES && !devices.contains_key(&index) {
                devices.clear();
            }
            let name = devices.entry(index).or_insert_with(|| {
                device_lookup
                    .as_mut()
                    .and_then(|lookup| lookup(index))
                    .map_or_else(|| "?".into(), Into::into)
            });
            *last_device = Some((index, name.clone()));
        }
        last_device.as_ref().map_or("?", |(_, name)| name)
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names")
            .field("services", &self.services)
            .field("devices", &self.devices)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read_as_getservent_does() {
        let services = Services::parse(
            "# comment\nssh\t22/tcp # Secure\ndomain 53/tcp\ndomain 53/udp nameserver\nlate 22/tcp\nbad\nx y/udp\n",
        );
        assert_eq!(services.tcp(22), Some("ssh"));
        assert_eq!(services.udp(22), None);
        assert_eq!(services.udp(53), Some("domain"));
    }

    #[test]
    fn a_device_is_looked_up_once() {
        let (sender, asked) = std::sync::mpsc::channel();
        let mut names = Names::none().with_devices(move |index| {
            sender.send(index).unwrap();
            (index == 1).then(|| "lo".to_owned())
        });
        for index in [1, 2, 1, 1, 2] {
            let name = names.device(index);
            assert_eq!(name, if index == 1 { "lo" } else { "?" });
        }
        assert_eq!(asked.try_iter().collect::<Vec<_>>(), [1, 2]);
    }
}
