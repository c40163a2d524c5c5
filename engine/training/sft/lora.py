"""LoRA adapters (Hu et al. 2021, arXiv:2106.09685): checked, computed in few operations, extracted afterwards."""

from __future__ import annotations

from collections.abc import Collection
from types import MethodType
from typing import Any

import torch
from peft.tuners.lora import Linear as AdaptedLinear

from engine.core.errors import UsageError

Adapter = tuple[torch.Tensor, torch.Tensor]


def lora_modules(model: Any) -> dict[str, Adapter]:
    """Return (A, B) of every adapted module of a peft model, keyed by the module's name in the plain model.

    A is (rank, in), B (out, rank). For a module that stores its matrix transposed (GPT-2's Conv1D) they are returned
    such that B · A has that matrix's shape.
    """
    found: dict[str, Adapter] = {}
    for name, module in model.get_base_model().named_modules():
        if "default" in getattr(module, "lora_A", ()):
            a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
            found[name] = (b.T, a.T) if module.fan_in_fan_out else (a, b)
    return found


def check_adapters(model: Any, tensors: Collection[str]) -> None:
    """Raise UsageError when the trained parameters cannot be added to the weights, whose names are `tensors`."""
    modules = lora_modules(model)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    foreign = [name for name in modules if f"{name}.weight" not in tensors]
    if foreign or trained != sum(a.numel() + b.numel() for a, b in modules.values()):
        raise UsageError(
            f"the adapter would change {foreign[0]}, which the model's file does not have"
            if foreign
            else "some of the chosen layers are not linear ones, so what they learn could not be exported",
            where="luna.toml [train] targets",
            hint='use targets = "all-linear", name linear layers such as q_proj,v_proj, or set method = "full"',
        )


def fuse_lora_forward(model: Any) -> None:
    """Make every adapted linear layer compute base and adapter in one autograd function: a third of the operations.

    Requires adapters without dropout on layers whose inputs have the weights' dtype; A and B stay fp32.
    """
    for module in model.get_base_model().modules():
        if isinstance(module, AdaptedLinear):
            module.forward = MethodType(_forward, module)


def _forward(module: Any, x: torch.Tensor) -> torch.Tensor:
    base = module.base_layer
    a, b, scale = module.lora_A["default"].weight, module.lora_B["default"].weight, module.scaling["default"]
    out = _LoraProduct.apply(x.reshape(-1, x.shape[-1]), base.weight, base.bias, a, b, scale)
    return out.view(*x.shape[:-1], -1)


class _LoraProduct(torch.autograd.Function):
    """y = x · Wᵀ + bias + scale · (x · Aᵀ) · Bᵀ with frozen W and bias.

    Shapes: x (tokens, in), W (out, in), A (rank, in), B (out, rank).
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        a: torch.Tensor,
        b: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        a, b = a.to(weight.dtype), b.to(weight.dtype)
        hidden = x @ a.T
        out = torch.nn.functional.linear(x, weight, bias).addmm_(hidden, b.T, alpha=scale)
        ctx.save_for_backward(x, hidden, weight, a, b)
        ctx.scale = scale
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, hidden, weight, a, b = ctx.saved_tensors
        (grad,) = gradients
        grad_hidden = grad @ b
        grad_x = torch.addmm(grad @ weight, grad_hidden, a, alpha=ctx.scale) if ctx.needs_input_grad[0] else None
        grad_a = (grad_hidden.T @ x).float().mul_(ctx.scale)
        grad_b = (grad.T @ hidden).float().mul_(ctx.scale)
        return grad_x, None, None, grad_a, grad_b, None
