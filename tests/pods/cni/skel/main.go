// A CNI plugin on the CNI project's own skeleton. It does nothing, and says what a plugin that does nothing says: it
// is what our reading of the specification is held against.
package main

import (
	"encoding/json"
	"net"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/version"
)

// arguments are those of CNI_ARGS that are known.
type arguments struct {
	types.CommonArgs
	K8S_POD_NAMESPACE          types.UnmarshallableString
	K8S_POD_NAME               types.UnmarshallableString
	K8S_POD_INFRA_CONTAINER_ID types.UnmarshallableString
	K8S_POD_UID                types.UnmarshallableString
}

// configuration holds only what is looked at, so that nothing else can be of a wrong type.
type configuration struct {
	CNIVersion    string                 `json:"cniVersion"`
	RawPrevResult map[string]interface{} `json:"prevResult"`
}

func main() {
	skel.PluginMainFuncs(skel.CNIFuncs{Add: add, Del: del, Check: check, GC: collect, Status: status},
		version.PluginSupports("0.3.1", "0.4.0", "1.0.0", "1.1.0"), "")
}

func add(args *skel.CmdArgs) error {
	conf, previous, err := read(args)
	if err != nil {
		return err
	}
	result := &current.Result{CNIVersion: "1.1.0"}
	if previous != nil {
		if result, err = current.GetResult(previous); err != nil {
			return types.NewError(types.ErrDecodingFailure, "prevResult", err.Error())
		}
	}
	result.Interfaces = append(result.Interfaces, &current.Interface{Name: args.IfName, Sandbox: args.Netns})
	result.IPs = append(result.IPs, &current.IPConfig{
		Interface: current.Int(len(result.Interfaces) - 1),
		Address:   net.IPNet{IP: net.IPv4(10, 64, 0, 1), Mask: net.CIDRMask(32, 32)},
	})
	return types.PrintResult(result, conf.CNIVersion)
}

func check(args *skel.CmdArgs) error {
	_, previous, err := read(args)
	if err == nil && previous == nil {
		return types.NewError(types.ErrInvalidNetworkConfig, "CHECK needs prevResult", "")
	}
	return err
}

// del succeeds whatever stands in CNI_ARGS and prevResult.
func del(*skel.CmdArgs) error { return nil }

func collect(args *skel.CmdArgs) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(args.StdinData, &members); err != nil {
		return types.NewError(types.ErrDecodingFailure, "configuration", err.Error())
	}
	listed, ok := members["cni.dev/valid-attachments"]
	if !ok {
		return types.NewError(types.ErrInvalidNetworkConfig, "GC needs cni.dev/valid-attachments", "")
	}
	var valid []types.GCAttachment
	if err := json.Unmarshal(listed, &valid); err != nil {
		return types.NewError(types.ErrDecodingFailure, "cni.dev/valid-attachments", err.Error())
	}
	for _, attachment := range valid {
		if attachment.ContainerID == "" || attachment.IfName == "" {
			return types.NewError(types.ErrInvalidNetworkConfig, "cni.dev/valid-attachments is incomplete", "")
		}
	}
	return nil
}

func status(*skel.CmdArgs) error { return nil }

// read is what plugins of the CNI project do first.
func read(args *skel.CmdArgs) (*configuration, types.Result, error) {
	if err := types.LoadArgs(args.Args, &arguments{}); err != nil {
		return nil, nil, types.NewError(types.ErrInvalidEnvironmentVariables, "CNI_ARGS", err.Error())
	}
	conf := configuration{}
	if err := json.Unmarshal(args.StdinData, &conf); err != nil {
		return nil, nil, types.NewError(types.ErrDecodingFailure, "configuration", err.Error())
	}
	parsed := types.PluginConf{CNIVersion: conf.CNIVersion, RawPrevResult: conf.RawPrevResult}
	if err := version.ParsePrevResult(&parsed); err != nil {
		return nil, nil, types.NewError(types.ErrDecodingFailure, "prevResult", err.Error())
	}
	return &conf, parsed.PrevResult, nil
}
