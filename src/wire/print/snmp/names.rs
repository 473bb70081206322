//! Names of managed objects: those of RFC 1156, of SNMP's own modules and of the first enterprises. Objects of
//! later modules have no name here, and tcpdump, built without a library for them, has none either.

/// A number with a name, below another one.
pub(super) struct Object {
    number: u32,
    pub(super) name: &'static str,
    below: &'static [Object],
}

/// The names below the root.
pub(super) static ROOT: Names = Names(&TREE);

/// Names of which the next number has one or none.
#[derive(Clone, Copy)]
pub(super) struct Names(&'static [Object]);

impl Names {
    /// None at all.
    pub(super) const NONE: Self = Self(&[]);

    /// The number's name and the names below it.
    pub(super) fn of(self, number: u32) -> Option<(&'static str, Self)> {
        let object = self.0.iter().find(|object| object.number == number)?;
        Some((object.name, Self(object.below)))
    }

    /// The names below several numbers.
    pub(super) fn below(self, numbers: &[u32]) -> Self {
        numbers.iter().fold(self, |names, &number| {
            names.of(number).map_or(Self::NONE, |(_, below)| below)
        })
    }
}

const fn tree(number: u32, name: &'static str, below: &'static [Object]) -> Object {
    Object {
        number,
        name,
        below,
    }
}

const fn leaf(number: u32, name: &'static str) -> Object {
    tree(number, name, &[])
}

static TREE: [Object; 1] = [tree(
    1,
    "iso",
    &[tree(
        3,
        "org",
        &[tree(
            6,
            "dod",
            &[tree(
                1,
                "internet",
                &[
                    leaf(1, "directory"),
                    tree(
                        2,
                        "mgmt",
                        &[tree(
                            1,
                            "mib",
                            &[
                                tree(
                                    1,
                                    "system",
                                    &[
                                        leaf(1, "sysDescr"),
                                        leaf(2, "sysObjectID"),
                                        leaf(3, "sysUpTime"),
                                        leaf(4, "sysContact"),
                                        leaf(5, "sysName"),
                                        leaf(6, "sysLocation"),
                                        leaf(7, "sysServices"),
                                    ],
                                ),
                                tree(
                                    2,
                                    "interfaces",
                                    &[
                                        leaf(1, "ifNumber"),
                                        tree(
                                            2,
                                            "ifTable",
                                            &[tree(
                                                1,
                                                "ifEntry",
                                                &[
                                                    leaf(1, "ifIndex"),
                                                    leaf(2, "ifDescr"),
                                                    leaf(3, "ifType"),
                                                    leaf(4, "ifMtu"),
                                                    leaf(5, "ifSpeed"),
                                                    leaf(6, "ifPhysAddress"),
                                                    leaf(7, "ifAdminStatus"),
                                                    leaf(8, "ifOperStatus"),
                                                    leaf(9, "ifLastChange"),
                                                    leaf(10, "ifInOctets"),
                                                    leaf(11, "ifInUcastPkts"),
                                                    leaf(12, "ifInNUcastPkts"),
                                                    leaf(13, "ifInDiscards"),
                                                    leaf(14, "ifInErrors"),
                                                    leaf(15, "ifInUnknownProtos"),
                                                    leaf(16, "ifOutOctets"),
                                                    leaf(17, "ifOutUcastPkts"),
                                                    leaf(18, "ifOutNUcastPkts"),
                                                    leaf(19, "ifOutDiscards"),
                                                    leaf(20, "ifOutErrors"),
                                                    leaf(21, "ifOutQLen"),
                                                    leaf(22, "ifSpecific"),
                                                ],
                                            )],
                                        ),
                                    ],
                                ),
                                tree(
                                    3,
                                    "at",
                                    &[tree(
                                        1,
                                        "atTable",
                                        &[tree(
                                            1,
                                            "atEntry",
                                            &[
                                                leaf(1, "atIfIndex"),
                                                leaf(2, "atPhysAddress"),
                                                leaf(3, "atNetAddress"),
                                            ],
                                        )],
                                    )],
                                ),
                                tree(
                                    4,
                                    "ip",
                                    &[
                                        leaf(1, "ipForwarding"),
                                        leaf(2, "ipDefaultTTL"),
                                        leaf(3, "ipInReceives"),
                                        leaf(4, "ipInHdrErrors"),
                                        leaf(5, "ipInAddrErrors"),
                                        leaf(6, "ipForwDatagrams"),
                                        leaf(7, "ipInUnknownProtos"),
                                        leaf(8, "ipInDiscards"),
                                        leaf(9, "ipInDelivers"),
                                        leaf(10, "ipOutRequests"),
                                        leaf(11, "ipOutDiscards"),
                                        leaf(12, "ipOutNoRoutes"),
                                        leaf(13, "ipReasmTimeout"),
                                        leaf(14, "ipReasmReqds"),
                                        leaf(15, "ipReasmOKs"),
                                        leaf(16, "ipReasmFails"),
                                        leaf(17, "ipFragOKs"),
                                        leaf(18, "ipFragFails"),
                                        leaf(19, "ipFragCreates"),
                                        tree(
                                            20,
                                            "ipAddrTable",
                                            &[tree(
                                                1,
                                                "ipAddrEntry",
                                                &[
                                                    leaf(1, "ipAdEntAddr"),
                                                    leaf(2, "ipAdEntIfIndex"),
                                                    leaf(3, "ipAdEntNetMask"),
                                                    leaf(4, "ipAdEntBcastAddr"),
                                                    leaf(5, "ipAdEntReasmMaxSize"),
                                                ],
                                            )],
                                        ),
                                        tree(
                                            21,
                                            "ipRoutingTable",
                                            &[tree(
                                                1,
                                                "ipRouteEntry",
                                                &[
                                                    leaf(1, "ipRouteDest"),
                                                    leaf(2, "ipRouteIfIndex"),
                                                    leaf(3, "ipRouteMetric1"),
                                                    leaf(4, "ipRouteMetric2"),
                                                    leaf(5, "ipRouteMetric3"),
                                                    leaf(6, "ipRouteMetric4"),
                                                    leaf(7, "ipRouteNextHop"),
                                                    leaf(8, "ipRouteType"),
                                                    leaf(9, "ipRouteProto"),
                                                    leaf(10, "ipRouteAge"),
                                                    leaf(11, "ipRouteMask"),
                                                ],
                                            )],
                                        ),
                                        tree(
                                            22,
                                            "ipNetToMediaTable",
                                            &[tree(
                                                1,
                                                "ipNetToMediaEntry",
                                                &[
                                                    leaf(1, "ipNetToMediaIfIndex"),
                                                    leaf(2, "ipNetToMediaPhysAddress"),
                                                    leaf(3, "ipNetToMediaNetAddress"),
                                                    leaf(4, "ipNetToMediaType"),
                                                ],
                                            )],
                                        ),
                                    ],
                                ),
                                tree(
                                    5,
                                    "icmp",
                                    &[
                                        leaf(1, "icmpInMsgs"),
                                        leaf(2, "icmpInErrors"),
                                        leaf(3, "icmpInDestUnreachs"),
                                        leaf(4, "icmpInTimeExcds"),
                                        leaf(5, "icmpInParmProbs"),
                                        leaf(6, "icmpInSrcQuenchs"),
                                        leaf(7, "icmpInRedirects"),
                                        leaf(8, "icmpInEchos"),
                                        leaf(9, "icmpInEchoReps"),
                                        leaf(10, "icmpInTimestamps"),
                                        leaf(11, "icmpInTimestampReps"),
                                        leaf(12, "icmpInAddrMasks"),
                                        leaf(13, "icmpInAddrMaskReps"),
                                        leaf(14, "icmpOutMsgs"),
                                        leaf(15, "icmpOutErrors"),
                                        leaf(16, "icmpOutDestUnreachs"),
                                        leaf(17, "icmpOutTimeExcds"),
                                        leaf(18, "icmpOutParmProbs"),
                                        leaf(19, "icmpOutSrcQuenchs"),
                                        leaf(20, "icmpOutRedirects"),
                                        leaf(21, "icmpOutEchos"),
                                        leaf(22, "icmpOutEchoReps"),
                                        leaf(23, "icmpOutTimestamps"),
                                        leaf(24, "icmpOutTimestampReps"),
                                        leaf(25, "icmpOutAddrMasks"),
                                        leaf(26, "icmpOutAddrMaskReps"),
                                    ],
                                ),
                                tree(
                                    6,
                                    "tcp",
                                    &[
                                        leaf(1, "tcpRtoAlgorithm"),
                                        leaf(2, "tcpRtoMin"),
                                        leaf(3, "tcpRtoMax"),
                                        leaf(4, "tcpMaxConn"),
                                        leaf(5, "tcpActiveOpens"),
                                        leaf(6, "tcpPassiveOpens"),
                                        leaf(7, "tcpAttemptFails"),
                                        leaf(8, "tcpEstabResets"),
                                        leaf(9, "tcpCurrEstab"),
                                        leaf(10, "tcpInSegs"),
                                        leaf(11, "tcpOutSegs"),
                                        leaf(12, "tcpRetransSegs"),
                                        tree(
                                            13,
                                            "tcpConnTable",
                                            &[tree(
                                                1,
                                                "tcpConnEntry",
                                                &[
                                                    leaf(1, "tcpConnState"),
                                                    leaf(2, "tcpConnLocalAddress"),
                                                    leaf(3, "tcpConnLocalPort"),
                                                    leaf(4, "tcpConnRemAddress"),
                                                    leaf(5, "tcpConnRemPort"),
                                                ],
                                            )],
                                        ),
                                        leaf(14, "tcpInErrs"),
                                        leaf(15, "tcpOutRsts"),
                                    ],
                                ),
                                tree(
                                    7,
                                    "udp",
                                    &[
                                        leaf(1, "udpInDatagrams"),
                                        leaf(2, "udpNoPorts"),
                                        leaf(3, "udpInErrors"),
                                        leaf(4, "udpOutDatagrams"),
                                        tree(
                                            5,
                                            "udpTable",
                                            &[tree(
                                                1,
                                                "udpEntry",
                                                &[
                                                    leaf(1, "udpLocalAddress"),
                                                    leaf(2, "udpLocalPort"),
                                                ],
                                            )],
                                        ),
                                    ],
                                ),
                                tree(
                                    8,
                                    "egp",
                                    &[
                                        leaf(1, "egpInMsgs"),
                                        leaf(2, "egpInErrors"),
                                        leaf(3, "egpOutMsgs"),
                                        leaf(4, "egpOutErrors"),
                                        tree(
                                            5,
                                            "egpNeighTable",
                                            &[tree(
                                                1,
                                                "egpNeighEntry",
                                                &[
                                                    leaf(1, "egpNeighState"),
                                                    leaf(2, "egpNeighAddr"),
                                                    leaf(3, "egpNeighAs"),
                                                    leaf(4, "egpNeighInMsgs"),
                                                    leaf(5, "egpNeighInErrs"),
                                                    leaf(6, "egpNeighOutMsgs"),
                                                    leaf(7, "egpNeighOutErrs"),
                                                    leaf(8, "egpNeighInErrMsgs"),
                                                    leaf(9, "egpNeighOutErrMsgs"),
                                                    leaf(10, "egpNeighStateUps"),
                                                    leaf(11, "egpNeighStateDowns"),
                                                    leaf(12, "egpNeighIntervalHello"),
                                                    leaf(13, "egpNeighIntervalPoll"),
                                                    leaf(14, "egpNeighMode"),
                                                    leaf(15, "egpNeighEventTrigger"),
                                                ],
                                            )],
                                        ),
                                        leaf(6, "egpAs"),
                                    ],
                                ),
                                leaf(10, "transmission"),
                                tree(
                                    11,
                                    "snmp",
                                    &[
                                        leaf(1, "snmpInPkts"),
                                        leaf(2, "snmpOutPkts"),
                                        leaf(3, "snmpInBadVersions"),
                                        leaf(4, "snmpInBadCommunityNames"),
                                        leaf(5, "snmpInBadCommunityUses"),
                                        leaf(6, "snmpInASNParseErrs"),
                                        leaf(7, "snmpInBadTypes"),
                                        leaf(8, "snmpInTooBigs"),
                                        leaf(9, "snmpInNoSuchNames"),
                                        leaf(10, "snmpInBadValues"),
                                        leaf(11, "snmpInReadOnlys"),
                                        leaf(12, "snmpInGenErrs"),
                                        leaf(13, "snmpInTotalReqVars"),
                                        leaf(14, "snmpInTotalSetVars"),
                                        leaf(15, "snmpInGetRequests"),
                                        leaf(16, "snmpInGetNexts"),
                                        leaf(17, "snmpInSetRequests"),
                                        leaf(18, "snmpInGetResponses"),
                                        leaf(19, "snmpInTraps"),
                                        leaf(20, "snmpOutTooBigs"),
                                        leaf(21, "snmpOutNoSuchNames"),
                                        leaf(22, "snmpOutBadValues"),
                                        leaf(23, "snmpOutReadOnlys"),
                                        leaf(24, "snmpOutGenErrs"),
                                        leaf(25, "snmpOutGetRequests"),
                                        leaf(26, "snmpOutGetNexts"),
                                        leaf(27, "snmpOutSetRequests"),
                                        leaf(28, "snmpOutGetResponses"),
                                        leaf(29, "snmpOutTraps"),
                                        leaf(30, "snmpEnableAuthTraps"),
                                    ],
                                ),
                            ],
                        )],
                    ),
                    leaf(3, "experimental"),
                    tree(
                        4,
                        "private",
                        &[tree(
                            1,
                            "enterprises",
                            &[
                                leaf(1, "proteon"),
                                leaf(2, "ibm"),
                                leaf(3, "cmu"),
                                leaf(4, "unix"),
                                leaf(5, "acc"),
                                leaf(6, "twg"),
                                leaf(7, "cayman"),
                                leaf(8, "nysernet"),
                                leaf(9, "cisco"),
                                leaf(10, "nsc"),
                                leaf(11, "hp"),
                                leaf(12, "epilogue"),
                                leaf(13, "utennessee"),
                                leaf(14, "bbn"),
                                leaf(15, "xylogics"),
                                leaf(16, "unisys"),
                                leaf(17, "canstar"),
                                leaf(18, "wellfleet"),
                                leaf(19, "trw"),
                                leaf(20, "mit"),
                                leaf(21, "eon"),
                                leaf(22, "spartacus"),
                                leaf(23, "excelan"),
                                leaf(24, "spider"),
                                leaf(25, "nsfnet"),
                                leaf(26, "sytek"),
                                leaf(27, "intergraph"),
                                leaf(28, "interlan"),
                                leaf(29, "vitalink"),
                                leaf(30, "ulana"),
                                leaf(31, "nswc"),
                                leaf(32, "santacruzoperation"),
                                leaf(33, "xyplex"),
                                leaf(34, "cray"),
                                leaf(35, "bellnorthernresearch"),
                                leaf(36, "dec"),
                                leaf(37, "touch"),
                                leaf(38, "networkresearchcorp"),
                                leaf(39, "baylor"),
                                leaf(40, "nmfeccllnl"),
                                leaf(41, "sri"),
                                leaf(42, "sun"),
                                leaf(43, "3com"),
                                leaf(44, "cmc"),
                                leaf(45, "synoptics"),
                                leaf(46, "cheyenne"),
                                leaf(47, "prime"),
                                leaf(48, "mcnc"),
                                leaf(49, "chipcom"),
                                leaf(50, "opticaldatasystems"),
                                leaf(51, "gated"),
                                leaf(52, "cabletron"),
                                leaf(53, "apollo"),
                                leaf(54, "desktalksystems"),
                                leaf(55, "ssds"),
                                leaf(56, "castlerock"),
                                leaf(57, "mips"),
                                leaf(58, "tgv"),
                                leaf(59, "silicongraphics"),
                                leaf(60, "ubc"),
                                leaf(61, "merit"),
                                leaf(62, "fibercom"),
                                leaf(63, "apple"),
                                leaf(64, "gandalf"),
                                leaf(65, "dartmouth"),
                                leaf(66, "davidsystems"),
                                leaf(67, "reuter"),
                                leaf(68, "cornell"),
                                leaf(69, "tmac"),
                                leaf(70, "locus"),
                                leaf(71, "nasa"),
                                leaf(72, "retix"),
                                leaf(73, "boeing"),
                                leaf(74, "att"),
                                leaf(75, "ungermannbass"),
                                leaf(76, "digitalanalysis"),
                                leaf(77, "hplanman"),
                                leaf(78, "netlabs"),
                                leaf(79, "icl"),
                                leaf(80, "auspex"),
                                leaf(81, "lannet"),
                                leaf(82, "ncd"),
                                leaf(83, "raycom"),
                                leaf(84, "pirellifocom"),
                                leaf(85, "datability"),
                                leaf(86, "networkappltech"),
                                leaf(87, "link"),
                                leaf(88, "nyu"),
                                leaf(89, "rnd"),
                                leaf(90, "intercon"),
                                leaf(91, "learningtree"),
                                leaf(92, "webstercomputer"),
                                leaf(93, "frontier"),
                                leaf(94, "nokia"),
                                leaf(95, "allenbradley"),
                                leaf(96, "cern"),
                                leaf(97, "sigma"),
                                leaf(98, "emergingtech"),
                                leaf(99, "snmpresearch"),
                                leaf(100, "ohiostate"),
                                leaf(101, "ultra"),
                                leaf(136, "ccur"),
                            ],
                        )],
                    ),
                    leaf(5, "security"),
                    tree(
                        6,
                        "snmpV2",
                        &[tree(
                            3,
                            "snmpModules",
                            &[
                                tree(
                                    10,
                                    "snmpFrameworkMIB",
                                    &[
                                        leaf(1, "snmpFrameworkAdmin"),
                                        tree(
                                            2,
                                            "snmpFrameworkMIBObjects",
                                            &[tree(
                                                1,
                                                "snmpEngine",
                                                &[
                                                    leaf(1, "snmpEngineID"),
                                                    leaf(2, "snmpEngineBoots"),
                                                    leaf(3, "snmpEngineTime"),
                                                    leaf(4, "snmpEngineMaxMessageSize"),
                                                ],
                                            )],
                                        ),
                                        leaf(3, "snmpFrameworkMIBConformance"),
                                    ],
                                ),
                                tree(
                                    11,
                                    "snmpMPDMIB",
                                    &[
                                        leaf(1, "snmpMPDAdmin"),
                                        tree(
                                            2,
                                            "snmpMPDMIBObjects",
                                            &[tree(
                                                1,
                                                "snmpMPDStats",
                                                &[
                                                    leaf(1, "snmpUnknownSecurityModels"),
                                                    leaf(2, "snmpInvalidMsgs"),
                                                    leaf(3, "snmpUnknownPDUHandlers"),
                                                ],
                                            )],
                                        ),
                                        tree(
                                            3,
                                            "snmpMPDMIBConformance",
                                            &[
                                                leaf(1, "snmpMPDMIBCompliances"),
                                                leaf(2, "snmpMPDMIBGroups"),
                                            ],
                                        ),
                                    ],
                                ),
                                tree(
                                    15,
                                    "snmpUsmMIB",
                                    &[
                                        tree(
                                            1,
                                            "usmMIBObjects",
                                            &[
                                                tree(
                                                    1,
                                                    "usmStats",
                                                    &[
                                                        leaf(1, "usmStatsUnsupportedSecLevels"),
                                                        leaf(2, "usmStatsNotInTimeWindows"),
                                                        leaf(3, "usmStatsUnknownUserNames"),
                                                        leaf(4, "usmStatsUnknownEngineIDs"),
                                                        leaf(5, "usmStatsWrongDigests"),
                                                        leaf(6, "usmStatsDecryptionErrors"),
                                                    ],
                                                ),
                                                tree(
                                                    2,
                                                    "usmUser",
                                                    &[
                                                        leaf(1, "usmUserSpinLock"),
                                                        tree(
                                                            2,
                                                            "usmUserTable",
                                                            &[tree(
                                                                1,
                                                                "usmUserEntry",
                                                                &[
                                                                    leaf(1, "usmUserEngineID"),
                                                                    leaf(2, "usmUserName"),
                                                                    leaf(3, "usmUserSecurityName"),
                                                                    leaf(4, "usmUserCloneFrom"),
                                                                    leaf(5, "usmUserAuthProtocol"),
                                                                    leaf(6, "usmUserAuthKeyChange"),
                                                                    leaf(
                                                                        7,
                                                                        "usmUserOwnAuthKeyChange",
                                                                    ),
                                                                    leaf(8, "usmUserPrivProtocol"),
                                                                    leaf(9, "usmUserPrivKeyChange"),
                                                                    leaf(
                                                                        10,
                                                                        "usmUserOwnPrivKeyChange",
                                                                    ),
                                                                    leaf(11, "usmUserPublic"),
                                                                    leaf(12, "usmUserStorageType"),
                                                                    leaf(13, "usmUserStatus"),
                                                                ],
                                                            )],
                                                        ),
                                                    ],
                                                ),
                                            ],
                                        ),
                                        tree(
                                            2,
                                            "usmMIBConformance",
                                            &[
                                                leaf(1, "usmMIBCompliances"),
                                                leaf(2, "usmMIBGroups"),
                                            ],
                                        ),
                                    ],
                                ),
                            ],
                        )],
                    ),
                ],
            )],
        )],
    )],
)];
