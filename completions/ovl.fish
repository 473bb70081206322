# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_ovl_global_optspecs
    string join \n color= h/help V/version
end

function __fish_ovl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_ovl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_ovl_using_subcommand
    set -l cmd (__fish_ovl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c ovl -n "__fish_ovl_needs_command" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_needs_command" -s h -l help -d 'Print help'
complete -c ovl -n "__fish_ovl_needs_command" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "pod" -d 'Show everything about a pod: sandbox, namespace, processes, the pair drawn from both ends, routes'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "pods" -d 'List the pods of a node with their devices'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "trace" -d 'Follow a packet from one pod to another, device by device, and say what breaks it'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "bench" -d 'Say what the overlay costs: round trips, TCP and packets a second between pods, beside their nodes'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "mtu" -d 'Show how large a packet may be on its way, and what the numbers are made of'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "check" -d 'Say what is wrong on each node, and between them'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "snapshot" -d 'Save everything that decides where packets go'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "diff" -d 'Say what changed between two snapshots, or since one'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "explain" -d 'Say what a finding means: what the kernel does, how to see it by hand, how to mend it'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "node" -d 'The far side of a conversation with a node'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "lab" -d 'Make and use a whole multi-node pod network on this machine'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "capture" -d 'Capture on this node, in any network namespace'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "decode" -d 'Read captures: print packets, pair pings, sum up flows'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "agent" -d 'Keep this node in a pod network: devices, routes, neighbours, forwarding entries'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "cni" -d 'Drive the CNI configurations and plugins of this node as a runtime would'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "completion" -d 'Print the completion script of a shell'
complete -c ovl -n "__fish_ovl_needs_command" -f -a "__complete" -d 'What could come next, for kubectl_complete-ovl'
complete -c ovl -n "__fish_ovl_using_subcommand pod" -s o -l output -d 'The output' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand pod" -l from -d 'Saved snapshots in place of the live network; `-` is standard input' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand pod" -l lab -d 'A lab on this machine; the only one there is if no name is given' -r
complete -c ovl -n "__fish_ovl_using_subcommand pod" -l via -d 'The command that runs a program on a node, such as \'ssh root@{node}\'' -r
complete -c ovl -n "__fish_ovl_using_subcommand pod" -l nodes -d 'The nodes, separated by commas' -r
complete -c ovl -n "__fish_ovl_using_subcommand pod" -l at-once -d 'How many nodes are asked at once' -r
complete -c ovl -n "__fish_ovl_using_subcommand pod" -l node-timeout -d 'How many seconds a node may take' -r
complete -c ovl -n "__fish_ovl_using_subcommand pod" -l cri -d 'The container runtime\'s socket, or `none`; found by itself if not given' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand pod" -l cni-conf-dir -d 'Where CNI configurations are' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand pod" -l cni-bin-dir -d 'Where CNI plugins are; may be repeated' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand pod" -l cni-cache-dir -d 'Where CNI results are cached' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand pod" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand pod" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand pod" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand pods" -s o -l output -d 'The output' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand pods" -l from -d 'Saved snapshots in place of the live network; `-` is standard input' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand pods" -l lab -d 'A lab on this machine; the only one there is if no name is given' -r
complete -c ovl -n "__fish_ovl_using_subcommand pods" -l via -d 'The command that runs a program on a node, such as \'ssh root@{node}\'' -r
complete -c ovl -n "__fish_ovl_using_subcommand pods" -l nodes -d 'The nodes, separated by commas' -r
complete -c ovl -n "__fish_ovl_using_subcommand pods" -l at-once -d 'How many nodes are asked at once' -r
complete -c ovl -n "__fish_ovl_using_subcommand pods" -l node-timeout -d 'How many seconds a node may take' -r
complete -c ovl -n "__fish_ovl_using_subcommand pods" -l cri -d 'The container runtime\'s socket, or `none`; found by itself if not given' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand pods" -l cni-conf-dir -d 'Where CNI configurations are' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand pods" -l cni-bin-dir -d 'Where CNI plugins are; may be repeated' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand pods" -l cni-cache-dir -d 'Where CNI results are cached' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand pods" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand pods" -s a -l all -d 'Also sandboxes that have ended'
complete -c ovl -n "__fish_ovl_using_subcommand pods" -s w -l watch -d 'Show the list again whenever it changes, until interrupted'
complete -c ovl -n "__fish_ovl_using_subcommand pods" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand pods" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l proto -d 'icmp, udp:PORT or tcp:PORT' -r
complete -c ovl -n "__fish_ovl_using_subcommand trace" -s s -l size -d 'Octets of data in a packet, as ping counts them' -r
complete -c ovl -n "__fish_ovl_using_subcommand trace" -s c -l count -d 'How many packets' -r
complete -c ovl -n "__fish_ovl_using_subcommand trace" -s i -l interval -d 'Seconds from one packet to the next; if not given, each is sent when the one before was answered' -r
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l wait -d 'How many seconds the last packet may take to be answered' -r
complete -c ovl -n "__fish_ovl_using_subcommand trace" -s o -l output -d 'The output' -r -f -a "text\t'One line for each device on the way'
wide\t'Every row that decided something, and the way back'
json\t'One document'
svg\t'A drawing'"
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l from -d 'Saved snapshots in place of the live network; `-` is standard input' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l lab -d 'A lab on this machine; the only one there is if no name is given' -r
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l via -d 'The command that runs a program on a node, such as \'ssh root@{node}\'' -r
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l nodes -d 'The nodes, separated by commas' -r
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l at-once -d 'How many nodes are asked at once' -r
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l node-timeout -d 'How many seconds a node may take' -r
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l cri -d 'The container runtime\'s socket, or `none`; found by itself if not given' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l cni-conf-dir -d 'Where CNI configurations are' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l cni-bin-dir -d 'Where CNI plugins are; may be repeated' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l cni-cache-dir -d 'Where CNI results are cached' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l df -d 'The packets must not be cut'
complete -c ovl -n "__fish_ovl_using_subcommand trace" -s 4 -d 'Over IPv4 only'
complete -c ovl -n "__fish_ovl_using_subcommand trace" -s 6 -d 'Over IPv6 only'
complete -c ovl -n "__fish_ovl_using_subcommand trace" -l static -d 'Only ask the tables; send nothing'
complete -c ovl -n "__fish_ovl_using_subcommand trace" -s w -l watch -d 'Trace again and again, and show when it breaks and when it heals, until interrupted'
complete -c ovl -n "__fish_ovl_using_subcommand trace" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand trace" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l seconds -d 'How many seconds each of the six measurements lasts' -r
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l echoes -d 'How many echoes are sent, if there is time' -r
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l rate -d 'Megabits of data a second that are not to be exceeded' -r
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l port -d 'The port that the load goes to, where a packet filter lets only some through' -r
complete -c ovl -n "__fish_ovl_using_subcommand bench" -s o -l output -d 'The output' -r -f -a "text\t'A table: the pods beside their nodes'
json\t'One document'"
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l from -d 'Saved snapshots in place of the live network; `-` is standard input' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l lab -d 'A lab on this machine; the only one there is if no name is given' -r
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l via -d 'The command that runs a program on a node, such as \'ssh root@{node}\'' -r
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l nodes -d 'The nodes, separated by commas' -r
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l at-once -d 'How many nodes are asked at once' -r
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l node-timeout -d 'How many seconds a node may take' -r
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l cri -d 'The container runtime\'s socket, or `none`; found by itself if not given' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l cni-conf-dir -d 'Where CNI configurations are' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l cni-bin-dir -d 'Where CNI plugins are; may be repeated' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l cni-cache-dir -d 'Where CNI results are cached' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand bench" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand bench" -s 4 -d 'Over IPv4 only'
complete -c ovl -n "__fish_ovl_using_subcommand bench" -s 6 -d 'Over IPv6 only'
complete -c ovl -n "__fish_ovl_using_subcommand bench" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand bench" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -s o -l output -d 'The output' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -l from -d 'Saved snapshots in place of the live network; `-` is standard input' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -l lab -d 'A lab on this machine; the only one there is if no name is given' -r
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -l via -d 'The command that runs a program on a node, such as \'ssh root@{node}\'' -r
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -l nodes -d 'The nodes, separated by commas' -r
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -l at-once -d 'How many nodes are asked at once' -r
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -l node-timeout -d 'How many seconds a node may take' -r
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -l cri -d 'The container runtime\'s socket, or `none`; found by itself if not given' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -l cni-conf-dir -d 'Where CNI configurations are' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -l cni-bin-dir -d 'Where CNI plugins are; may be repeated' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -l cni-cache-dir -d 'Where CNI results are cached' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -s 4 -d 'Over IPv4 only'
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -s 6 -d 'Over IPv6 only'
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand mtu" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand check" -s o -l output -d 'The output' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand check" -l from -d 'Saved snapshots in place of the live network; `-` is standard input' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand check" -l lab -d 'A lab on this machine; the only one there is if no name is given' -r
complete -c ovl -n "__fish_ovl_using_subcommand check" -l via -d 'The command that runs a program on a node, such as \'ssh root@{node}\'' -r
complete -c ovl -n "__fish_ovl_using_subcommand check" -l nodes -d 'The nodes, separated by commas' -r
complete -c ovl -n "__fish_ovl_using_subcommand check" -l at-once -d 'How many nodes are asked at once' -r
complete -c ovl -n "__fish_ovl_using_subcommand check" -l node-timeout -d 'How many seconds a node may take' -r
complete -c ovl -n "__fish_ovl_using_subcommand check" -l cri -d 'The container runtime\'s socket, or `none`; found by itself if not given' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand check" -l cni-conf-dir -d 'Where CNI configurations are' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand check" -l cni-bin-dir -d 'Where CNI plugins are; may be repeated' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand check" -l cni-cache-dir -d 'Where CNI results are cached' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand check" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand check" -s p -l probe -d 'Also send one echo from each node to each other, and from a pod of each to a pod of each other; what is lost is traced'
complete -c ovl -n "__fish_ovl_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand check" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -s o -l output -d 'Where to write it, packed if the name ends in .zst; standard output if not given' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -l from -d 'Saved snapshots in place of the live network; `-` is standard input' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -l lab -d 'A lab on this machine; the only one there is if no name is given' -r
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -l via -d 'The command that runs a program on a node, such as \'ssh root@{node}\'' -r
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -l nodes -d 'The nodes, separated by commas' -r
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -l at-once -d 'How many nodes are asked at once' -r
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -l node-timeout -d 'How many seconds a node may take' -r
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -l cri -d 'The container runtime\'s socket, or `none`; found by itself if not given' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -l cni-conf-dir -d 'Where CNI configurations are' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -l cni-bin-dir -d 'Where CNI plugins are; may be repeated' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -l cni-cache-dir -d 'Where CNI results are cached' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -l redact -d 'Replace names and addresses, each always by the same'
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand snapshot" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand diff" -s o -l output -d 'The output' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand diff" -l from -d 'Saved snapshots in place of the live network; `-` is standard input' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand diff" -l lab -d 'A lab on this machine; the only one there is if no name is given' -r
complete -c ovl -n "__fish_ovl_using_subcommand diff" -l via -d 'The command that runs a program on a node, such as \'ssh root@{node}\'' -r
complete -c ovl -n "__fish_ovl_using_subcommand diff" -l nodes -d 'The nodes, separated by commas' -r
complete -c ovl -n "__fish_ovl_using_subcommand diff" -l at-once -d 'How many nodes are asked at once' -r
complete -c ovl -n "__fish_ovl_using_subcommand diff" -l node-timeout -d 'How many seconds a node may take' -r
complete -c ovl -n "__fish_ovl_using_subcommand diff" -l cri -d 'The container runtime\'s socket, or `none`; found by itself if not given' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand diff" -l cni-conf-dir -d 'Where CNI configurations are' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand diff" -l cni-bin-dir -d 'Where CNI plugins are; may be repeated' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand diff" -l cni-cache-dir -d 'Where CNI results are cached' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand diff" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand diff" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand explain" -s o -l output -d 'The output' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand explain" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand explain" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand node; and not __fish_seen_subcommand_from serve" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand node; and not __fish_seen_subcommand_from serve" -s h -l help -d 'Print help'
complete -c ovl -n "__fish_ovl_using_subcommand node; and not __fish_seen_subcommand_from serve" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand node; and not __fish_seen_subcommand_from serve" -f -a "serve" -d 'Answer questions on standard input, a JSON object a line, until it ends'
complete -c ovl -n "__fish_ovl_using_subcommand node; and __fish_seen_subcommand_from serve" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand node; and __fish_seen_subcommand_from serve" -s h -l help -d 'Print help'
complete -c ovl -n "__fish_ovl_using_subcommand node; and __fish_seen_subcommand_from serve" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and not __fish_seen_subcommand_from up down ls pod break heal exec shell" -l lab -l name -d 'Which lab; the only one there is when left out' -r
complete -c ovl -n "__fish_ovl_using_subcommand lab; and not __fish_seen_subcommand_from up down ls pod break heal exec shell" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand lab; and not __fish_seen_subcommand_from up down ls pod break heal exec shell" -s h -l help -d 'Print help'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and not __fish_seen_subcommand_from up down ls pod break heal exec shell" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and not __fish_seen_subcommand_from up down ls pod break heal exec shell" -f -a "up" -d 'Make a lab: hosts on a switch, an agent on each, nothing outside of it'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and not __fish_seen_subcommand_from up down ls pod break heal exec shell" -f -a "down" -d 'Take a lab apart, also one that a crash left behind'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and not __fish_seen_subcommand_from up down ls pod break heal exec shell" -f -a "ls" -d 'List labs, their nodes and their pods'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and not __fish_seen_subcommand_from up down ls pod break heal exec shell" -f -a "pod" -d 'Add and remove pods'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and not __fish_seen_subcommand_from up down ls pod break heal exec shell" -f -a "break" -d 'Break something on purpose, to see it found'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and not __fish_seen_subcommand_from up down ls pod break heal exec shell" -f -a "heal" -d 'Undo what break did'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and not __fish_seen_subcommand_from up down ls pod break heal exec shell" -f -a "exec" -d 'Run a command on a node, the switch, the router or in a pod'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and not __fish_seen_subcommand_from up down ls pod break heal exec shell" -f -a "shell" -d 'Open a shell on a node, the switch, the router or in a pod'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from up" -l profile -d 'Which network to make' -r -f -a "calico\t'Routed: a /32 a pod, block routes between the hosts, nothing wrapped'
weave\t'One flat network over VXLAN: pods find each other by ARP across hosts'
flannel\t'A subnet a host, routed into VXLAN'
crosssubnet\t'Two subnets of hosts and a router: routed inside a subnet, VXLAN across'"
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from up" -l nodes -d 'How many hosts' -r
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from up" -s f -l file -d 'Make what a topology file describes' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from up" -l lab -l name -d 'Which lab; the only one there is when left out' -r
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from up" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from up" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from up" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from down" -l lab -l name -d 'Which lab; the only one there is when left out' -r
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from down" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from down" -l all -d 'All labs of this user'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from down" -s h -l help -d 'Print help'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from down" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from ls" -s o -l output -d 'How to print them' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from ls" -l lab -l name -d 'Which lab; the only one there is when left out' -r
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from ls" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from ls" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from pod" -l lab -l name -d 'Which lab; the only one there is when left out' -r
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from pod" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from pod" -s h -l help -d 'Print help'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from pod" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from pod" -f -a "add" -d 'Start a pod and attach it to the network, as kubelet and containerd do'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from pod" -f -a "rm" -d 'Remove a pod'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from break" -l node -d 'The node to break; the first pod\'s, or the one that pod speaks to, when left out' -r
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from break" -l pod -d 'The pod that sends: the first one when left out' -r
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from break" -s o -l output -d 'How to print it' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from break" -l lab -l name -d 'Which lab; the only one there is when left out' -r
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from break" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from break" -l list -d 'List the faults, and which of them can be made in the lab'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from break" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from break" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from heal" -s o -l output -d 'How to print it' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from heal" -l lab -l name -d 'Which lab; the only one there is when left out' -r
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from heal" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from heal" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from heal" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from exec" -l lab -l name -d 'Which lab; the only one there is when left out' -r
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from exec" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from exec" -s h -l help -d 'Print help'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from exec" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from shell" -l lab -l name -d 'Which lab; the only one there is when left out' -r
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from shell" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from shell" -s h -l help -d 'Print help'
complete -c ovl -n "__fish_ovl_using_subcommand lab; and __fish_seen_subcommand_from shell" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s i -d 'Device, or any; may be repeated' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l netns -d 'Network namespace: a name in /run/netns, a path, or a process; may be repeated' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l pod -d 'Pod on this node: [NAMESPACE/]NAME, an id, pid:N or an address; may be repeated' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l lab -d 'The pods are in a lab on this machine; the only one there is if no name is given' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s s -d 'Keep at most N octets of each packet' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s B -d 'Kernel buffer of each socket, in KiB' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s y -d 'Link type to ask for, such as LINUX_SLL for any' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s Z -d 'Become this user once the sockets are open' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l duration -d 'Stop after this many seconds' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l max-size -d 'Stop after this many octets of packets written' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s w -d 'Write to FILE (pcap; pcapng if so named, with devices, namespaces and pods) instead of printing' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s C -d 'Begin another file after N million octets' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s G -d 'Begin another file every N seconds; FILE may hold strftime words' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s W -d 'With -C use N files in turn; with -G end after N files' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s F -d 'Read the filter from FILE' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l outer -d 'Only packets whose outermost frame matches' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l inner -d 'Only packets with a frame inside a tunnel that matches' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l vni -d 'Only packets in the tunnel with this VNI' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s c -d 'Stop after N packets' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l names -d 'Name pods, nodes and services as a lab (lab, lab:NAME), a snapshot file or a cluster (kube) has them' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s o -l output -d 'Form of the output; json is one object a line' -r -f -a "text\t'For people'
table\t'For people: columns'
json\t'For scripts: one object a line, docs/schema/decode.schema.json'"
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s T -d 'Print as tcpdump does, to the letter' -r -f -a "vxlan\t'All UDP is VXLAN, as tcpdump -T vxlan has it'
port\t'What tcpdump without -T takes each port for'"
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l kubeconfig -d 'The kubeconfig, in place of $KUBECONFIG or ~/.kube/config' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l context -d 'The kubeconfig\'s context, in place of its current one' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l as -d 'Ask as this user' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l as-group -d 'Ask as a member of this group; may be repeated' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l request-timeout -d 'How long one request may take, such as 5s or 1m30s; 5s if not given' -r
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l pings -d 'Pair echo requests with their replies at every capture point'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l flows -d 'Sum up conversations, and what wrapping them costs'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l mtu -d 'Show what was fragmented, or told to be smaller'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s e -d 'Print link-layer headers'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s n -d 'Print ports as numbers (addresses always are)'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s q -d 'Print less'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s v -d 'Print more (up to -vvv)'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s t -d 'Time: -t none, -tt Unix, -ttt since the one before, -tttt date, -ttttt since the first'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -l nano -d 'Print nanoseconds'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s # -l number -d 'Number the packets'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s S -d 'Print TCP sequence numbers as they are'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s K -d 'Do not check checksums'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s x -d 'Print the octets (-xx: with the link header)'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s X -d 'Print the octets with their characters (-XX: with the link header)'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s A -d 'Print the octets as characters (-AA: with the link header)'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s l -d 'Write out each packet\'s text at once'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand capture" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s r -d 'Read FILE; all other words are the filter, as with tcpdump' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s w -d 'Write the packets to FILE (pcap; pcapng if so named) instead of printing them' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s F -d 'Read the filter from FILE' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l outer -d 'Only packets whose outermost frame matches' -r
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l inner -d 'Only packets with a frame inside a tunnel that matches' -r
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l vni -d 'Only packets in the tunnel with this VNI' -r
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s c -d 'Stop after N packets' -r
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l names -d 'Name pods, nodes and services as a lab (lab, lab:NAME), a snapshot file or a cluster (kube) has them' -r
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s o -l output -d 'Form of the output; json is one object a line' -r -f -a "text\t'For people'
table\t'For people: columns'
json\t'For scripts: one object a line, docs/schema/decode.schema.json'"
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s T -d 'Print as tcpdump does, to the letter' -r -f -a "vxlan\t'All UDP is VXLAN, as tcpdump -T vxlan has it'
port\t'What tcpdump without -T takes each port for'"
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l kubeconfig -d 'The kubeconfig, in place of $KUBECONFIG or ~/.kube/config' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l context -d 'The kubeconfig\'s context, in place of its current one' -r
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l as -d 'Ask as this user' -r
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l as-group -d 'Ask as a member of this group; may be repeated' -r
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l request-timeout -d 'How long one request may take, such as 5s or 1m30s; 5s if not given' -r
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s f -l follow -d 'Wait for more at the end of the file, as tail -f does'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l pings -d 'Pair echo requests with their replies at every capture point'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l flows -d 'Sum up conversations, and what wrapping them costs'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l mtu -d 'Show what was fragmented, or told to be smaller'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s e -d 'Print link-layer headers'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s n -d 'Print ports as numbers (addresses always are)'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s q -d 'Print less'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s v -d 'Print more (up to -vvv)'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s t -d 'Time: -t none, -tt Unix, -ttt since the one before, -tttt date, -ttttt since the first'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -l nano -d 'Print nanoseconds'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s # -l number -d 'Number the packets'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s S -d 'Print TCP sequence numbers as they are'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s K -d 'Do not check checksums'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s x -d 'Print the octets (-xx: with the link header)'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s X -d 'Print the octets with their characters (-XX: with the link header)'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s A -d 'Print the octets as characters (-AA: with the link header)'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s l -d 'Write out each packet\'s text at once'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand decode" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand agent" -l store -d 'The directory that all nodes of the network share' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand agent" -l config -d 'The network\'s settings, TOML (or JSON, if the name ends in .json)' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand agent" -l node -d 'This node\'s name [default: the settings\' `node`, or the host name]' -r
complete -c ovl -n "__fish_ovl_using_subcommand agent" -l state-dir -d 'The node\'s own directory' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand agent" -l cni-dir -d 'Where the runtime looks for CNI configurations' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand agent" -l resync -d 'Compare everything this often, whether or not something was heard' -r
complete -c ovl -n "__fish_ovl_using_subcommand agent" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand agent" -l cleanup -d 'Take the node out of the network: remove everything the agent made, then end'
complete -c ovl -n "__fish_ovl_using_subcommand agent" -s h -l help -d 'Print help'
complete -c ovl -n "__fish_ovl_using_subcommand agent" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -l net-dir -d 'Directory with the network configurations' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -l bin-dir -d 'Directories with the plugin binaries, separated by colons' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -l cache-dir -d 'Directory in which runtimes remember results' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -l timeout -d 'How long one plugin may take, in seconds' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -s o -l output -d 'Output format' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -f -a "list" -d 'List the network configurations in the order a runtime takes them'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -f -a "show" -d 'Show the network a runtime uses, why, and its plugins'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -f -a "add" -d 'Attach a network namespace to the network'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -f -a "del" -d 'Detach a network namespace, whatever is left of it'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -f -a "check" -d 'Ask the plugins whether an attachment is as it was made'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -f -a "plan" -d 'Print the kernel operations of an add without making them (ovl-routed and ovl-vxlan)'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -f -a "gc" -d 'Remove what belongs to no attachment whose namespace is still there'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and not __fish_seen_subcommand_from list show add del check plan gc status" -f -a "status" -d 'Ask the plugins whether they could attach a container now'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from list" -l net-dir -d 'Directory with the network configurations' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from list" -l bin-dir -d 'Directories with the plugin binaries, separated by colons' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from list" -l cache-dir -d 'Directory in which runtimes remember results' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from list" -l timeout -d 'How long one plugin may take, in seconds' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from list" -s o -l output -d 'Output format' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from list" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from show" -l network -d 'The network\'s name [default: the one a runtime uses]' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from show" -l net-dir -d 'Directory with the network configurations' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from show" -l bin-dir -d 'Directories with the plugin binaries, separated by colons' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from show" -l cache-dir -d 'Directory in which runtimes remember results' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from show" -l timeout -d 'How long one plugin may take, in seconds' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from show" -s o -l output -d 'Output format' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from show" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -l network -d 'The network\'s name [default: the one a runtime uses]' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -l container-id -d 'The container\'s id [default: made from the namespace\'s path, as cnitool does]' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -l ifname -d 'The interface in the namespace' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -l pod -d 'The pod this is for, as a kubelet\'s runtime would say it in CNI_ARGS' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -l args -d 'CNI_ARGS: KEY=VALUE pairs, separated by semicolons' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -l capability-args -d 'Capability arguments as a JSON object, such as \'{"ips": ["10.1.2.3"]}\'' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -l net-dir -d 'Directory with the network configurations' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -l bin-dir -d 'Directories with the plugin binaries, separated by colons' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -l cache-dir -d 'Directory in which runtimes remember results' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -l timeout -d 'How long one plugin may take, in seconds' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -s o -l output -d 'Output format' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -l network -d 'The network\'s name [default: the one a runtime uses]' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -l container-id -d 'The container\'s id [default: made from the namespace\'s path, as cnitool does]' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -l ifname -d 'The interface in the namespace' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -l pod -d 'The pod this is for, as a kubelet\'s runtime would say it in CNI_ARGS' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -l args -d 'CNI_ARGS: KEY=VALUE pairs, separated by semicolons' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -l capability-args -d 'Capability arguments as a JSON object, such as \'{"ips": ["10.1.2.3"]}\'' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -l net-dir -d 'Directory with the network configurations' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -l bin-dir -d 'Directories with the plugin binaries, separated by colons' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -l cache-dir -d 'Directory in which runtimes remember results' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -l timeout -d 'How long one plugin may take, in seconds' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -s o -l output -d 'Output format' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from del" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from check" -l network -d 'The network\'s name [default: the one a runtime uses]' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from check" -l container-id -d 'The container\'s id [default: made from the namespace\'s path, as cnitool does]' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from check" -l ifname -d 'The interface in the namespace' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from check" -l net-dir -d 'Directory with the network configurations' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from check" -l bin-dir -d 'Directories with the plugin binaries, separated by colons' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from check" -l cache-dir -d 'Directory in which runtimes remember results' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from check" -l timeout -d 'How long one plugin may take, in seconds' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from check" -s o -l output -d 'Output format' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from check" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from check" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -l network -d 'The network\'s name [default: the one a runtime uses]' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -l container-id -d 'The container\'s id [default: made from the namespace\'s path, as cnitool does]' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -l ifname -d 'The interface in the namespace' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -l pod -d 'The pod this is for, as a kubelet\'s runtime would say it in CNI_ARGS' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -l args -d 'CNI_ARGS: KEY=VALUE pairs, separated by semicolons' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -l capability-args -d 'Capability arguments as a JSON object, such as \'{"ips": ["10.1.2.3"]}\'' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -l net-dir -d 'Directory with the network configurations' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -l bin-dir -d 'Directories with the plugin binaries, separated by colons' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -l cache-dir -d 'Directory in which runtimes remember results' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -l timeout -d 'How long one plugin may take, in seconds' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -s o -l output -d 'Output format' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from plan" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from gc" -l network -d 'The network\'s name [default: the one a runtime uses]' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from gc" -l keep -d 'Keep this attachment whatever became of its namespace' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from gc" -l net-dir -d 'Directory with the network configurations' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from gc" -l bin-dir -d 'Directories with the plugin binaries, separated by colons' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from gc" -l cache-dir -d 'Directory in which runtimes remember results' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from gc" -l timeout -d 'How long one plugin may take, in seconds' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from gc" -s o -l output -d 'Output format' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from gc" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from gc" -l dry-run -d 'Only say what would be done'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from gc" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from gc" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from status" -l network -d 'The network\'s name [default: the one a runtime uses]' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from status" -l net-dir -d 'Directory with the network configurations' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from status" -l bin-dir -d 'Directories with the plugin binaries, separated by colons' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from status" -l cache-dir -d 'Directory in which runtimes remember results' -r -F
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from status" -l timeout -d 'How long one plugin may take, in seconds' -r
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from status" -s o -l output -d 'Output format' -r -f -a "text\t'For people: aligned and short'
wide\t'For people: everything'
json\t'For scripts: one document, with a `schema` field'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from status" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand cni; and __fish_seen_subcommand_from status" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand completion" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ovl -n "__fish_ovl_using_subcommand completion" -s V -l version -d 'Print version'
complete -c ovl -n "__fish_ovl_using_subcommand __complete" -l color -d 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`'
always\t'Always'
never\t'Never'"
complete -c ovl -n "__fish_ovl_using_subcommand __complete" -s h -l help -d 'Print help'
complete -c ovl -n "__fish_ovl_using_subcommand __complete" -s V -l version -d 'Print version'
